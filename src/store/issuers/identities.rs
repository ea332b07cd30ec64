//! Owns `client_identities`: which client may be meant by a subject of an issuer. It follows what the clients themselves say, in
//! the same transaction.

use std::collections::HashMap;

use crate::base::json;
use crate::domain::{ClientId, ClientIdentity, Identities, IdentityDigest, IssuerName, Subject};
use crate::store::db::conn::Tx;
use crate::store::db::query::row::Row;
use crate::store::db::query::{ToValue, query};
use crate::store::issuers::read_issuer;
use crate::store::{Store, StoreError};

/// How many clients have an identity at an issuer.
pub(in crate::store) const COUNT_CLIENTS: &str =
    "select count(distinct client_id) from client_identities where issuer = $1";

impl Store {
    /// The clients that have an identity at an issuer with one of these subjects, `limit` at most.
    pub async fn find_identity_owners(
        &self,
        issuer: &IssuerName,
        subjects: &[&str],
        limit: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        let mut query = query("select distinct client_id from client_identities where issuer = ");
        query
            .push_bind(issuer.to_value())
            .push(" and subject in ")
            .push_list(subjects.iter().map(|subject| subject.to_value()));
        query.push(" order by client_id limit ");
        query.push_bind(limit.to_value());
        query
            .fetch_all(&mut self.acquire_read().await?, |row| {
                row.parse("client_id")
            })
            .await
    }

    /// The first clients that have an identity at an issuer, by id.
    pub async fn list_clients_at_issuer(
        &self,
        issuer: &IssuerName,
        limit: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
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
    pub async fn count_clients_by_issuer(&self) -> Result<HashMap<IssuerName, u64>, StoreError> {
        const SQL: &str = "
            select issuer, count(distinct client_id)
            from client_identities
            group by issuer";
        let read = |row: &Row| Ok((row.parse("issuer")?, row.count(1)?));
        let counted = self.fetch_all(SQL, &[], read).await?;
        Ok(counted.into_iter().collect())
    }

    /// How many clients have an identity at an issuer.
    pub async fn count_clients_at_issuer(&self, issuer: &IssuerName) -> Result<u64, StoreError> {
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
) -> Result<(), StoreError> {
    const DELETE: &str = "delete from client_identities where client_id = $1";
    const FIND: &str = "select name, definition from trusted_issuers where name = $1";
    tx.execute(DELETE, &[id]).await?;
    for identity in identities.iter() {
        let name = identity.issuer();
        let issuer = tx.fetch_optional(FIND, &[name], read_issuer).await?;
        let Some(issuer) = issuer else {
            return Err(StoreError::Contradiction(format!(
                "identities: no trusted issuer is called `{name}`"
            )));
        };
        identity
            .check_at(&issuer.anchor)
            .map_err(|error| StoreError::Contradiction(format!("identities: {error}")))?;
    }
    insert_identities(tx, id, identities).await?;
    delete_uses_of_others(tx, id, identities).await
}

/// Forgets when identities were last used that the client has no more.
async fn delete_uses_of_others(
    tx: &mut Tx<'_>,
    id: &ClientId,
    identities: &Identities,
) -> Result<(), StoreError> {
    let digests: Vec<IdentityDigest> = identities.iter().map(IdentityDigest::of).collect();
    let mut query = query("delete from last_identity_use where client_id = ");
    query.push_bind(id.to_value());
    if !digests.is_empty() {
        query.push(" and identity not in ");
        query.push_list(digests.iter().map(|it| it.as_str().to_value()));
    }
    query.execute(tx).await?;
    Ok(())
}

async fn insert_identities(
    tx: &mut Tx<'_>,
    id: &ClientId,
    identities: &Identities,
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into client_identities (client_id, issuer, subject)
        values ($1, $2, $3)
        on conflict (issuer, subject, client_id) do nothing";
    for identity in identities.iter() {
        let subject = identity.subject().map_or("", Subject::as_str);
        tx.execute(INSERT, &[id, identity.issuer(), &subject])
            .await?;
    }
    Ok(())
}

/// The identities in a row of `clients`.
pub(in crate::store) fn read_identities(text: &str) -> Result<Identities, StoreError> {
    let values: Vec<serde_json::Value> =
        json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Identities::from_values(&values)?)
}

/// The identities for a row of `clients`.
pub(in crate::store) fn write_identities(identities: &Identities) -> Result<String, StoreError> {
    let list: Vec<&ClientIdentity> = identities.iter().collect();
    serde_json::to_string(&list).map_err(|error| sqlx::Error::Encode(error.into()).into())
}
