//! Owns `client_identities`: which client may be meant by a subject of an issuer. It follows what the clients themselves say, in
//! the same transaction.

use std::collections::HashMap;

use crate::domain::{ClientId, Identities, IdentityDigest, IssuerName, Subject};
use crate::store::db::{Row, ToValue, Tx, query};
use crate::store::issuers::{FIND_ISSUER, read_issuer};
use crate::store::{Result, Store, StoreError};

pub(in crate::store) const COUNT_CLIENTS: &str =
    "select count(distinct client_id) from client_identities where issuer = $1";

impl Store {
    /// The clients that have an identity at an issuer with one of these subjects, `limit` at most.
    pub async fn find_identity_owners(
        &self,
        issuer: &IssuerName,
        subjects: &[&str],
        limit: u32,
    ) -> Result<Vec<ClientId>> {
        let mut query = query("select distinct client_id from client_identities where issuer = ");
        query.push_bind(issuer.to_value()).push(" and subject in ");
        query.push_list(subjects.iter().map(|subject| subject.to_value()));
        query.push(" order by client_id limit ");
        query.push_bind(limit.to_value());
        let read = |row: &Row| row.parse("client_id");
        query.fetch_all(&mut self.acquire_read().await?, read).await
    }

    /// The first clients that have an identity at an issuer, by id.
    pub async fn list_clients_at_issuer(
        &self,
        issuer: &IssuerName,
        limit: u32,
    ) -> Result<Vec<ClientId>> {
        const SQL: &str = "
            select distinct client_id
            from client_identities
            where issuer = $1
            order by client_id
            limit $2";
        let read = |row: &Row| row.parse("client_id");
        self.fetch_all(SQL, &[issuer, &limit], read).await
    }

    /// How many clients have an identity at each issuer; those without any are left out.
    pub async fn count_clients_by_issuer(&self) -> Result<HashMap<IssuerName, u64>> {
        const SQL: &str = "
            select issuer, count(distinct client_id)
            from client_identities
            group by issuer";
        let read = |row: &Row| Ok((row.parse("issuer")?, row.count(1)?));
        let counted = self.fetch_all(SQL, &[], read).await?;
        Ok(counted.into_iter().collect())
    }

    /// How many clients have an identity at an issuer.
    pub async fn count_clients_at_issuer(&self, issuer: &IssuerName) -> Result<u64> {
        self.fetch_one(COUNT_CLIENTS, &[issuer], |row| row.count(0))
            .await
    }
}

/// Makes these the identities of a client in the index; refuses those at an issuer that is not there or that cannot have
/// them.
pub(in crate::store) async fn replace_identities(
    tx: &mut Tx<'_>,
    id: &ClientId,
    identities: &Identities,
) -> Result<()> {
    const DELETE: &str = "delete from client_identities where client_id = $1";
    const INSERT: &str = "
        insert into client_identities (client_id, issuer, subject)
        values ($1, $2, $3)
        on conflict (issuer, subject, client_id) do nothing";
    tx.execute(DELETE, &[id]).await?;
    for identity in identities.iter() {
        let name = identity.issuer();
        let issuer = tx.fetch_optional(FIND_ISSUER, &[name], read_issuer).await?;
        let Some(issuer) = issuer else {
            return Err(StoreError::Contradiction(format!(
                "identities: no trusted issuer is called `{name}`"
            )));
        };
        identity
            .check_at(&issuer.anchor)
            .map_err(|error| StoreError::Contradiction(format!("identities: {error}")))?;
    }
    for identity in identities.iter() {
        let subject = identity.subject().map_or("", Subject::as_str);
        let values: [&dyn ToValue; 3] = [id, identity.issuer(), &subject];
        tx.execute(INSERT, &values).await?;
    }
    delete_uses_of_others(tx, id, identities).await
}

/// Forgets when identities were last used that the client has no more.
async fn delete_uses_of_others(
    tx: &mut Tx<'_>,
    id: &ClientId,
    identities: &Identities,
) -> Result<()> {
    let digests: Vec<IdentityDigest> = identities.iter().map(IdentityDigest::of).collect();
    let mut query = query("delete from last_identity_use where client_id = ");
    query.push_bind(id.to_value());
    if !digests.is_empty() {
        query.push(" and identity not in ");
        query.push_list(digests.iter().map(|it| it.as_str().to_value()));
    }
    query.execute(tx).await.map(drop)
}
