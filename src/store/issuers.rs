//! Owns `trusted_issuers`, and `client_identities`: which client may be meant by a subject of an issuer. The latter follows
//! what the clients themselves say, in the same transaction.

use crate::base::json;
use crate::domain::{
    Action, Change, Client, ClientId, ClientIdentity, Identities, IdentityDigest, IssuerName,
    IssuerSpec, IssuerStatus, MAX_ISSUERS, NewEvent, Scope, Stamp, Subject, Target, TrustAnchor,
    TrustedIssuer,
};
use crate::store::db::conn::Tx;
use crate::store::db::damage::RowsOf;
use crate::store::db::query::{ToValue, query, select};
use crate::store::db::row::Row;
use crate::store::{Store, StoreError};

const ISSUERS: RowsOf = RowsOf {
    table: "trusted_issuers",
    key: "name",
};

/// What came of writing an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerWritten {
    /// It is written.
    Written,
    /// It is not there, or is another by now.
    Changed,
    /// Its name is taken.
    Taken,
    /// So many clients have an identity at it.
    InUse(u64),
}

impl Store {
    /// All issuers by name, without those whose rows are damaged: nobody logs in through these.
    pub async fn list_issuers(&self) -> Result<Vec<TrustedIssuer>, StoreError> {
        const REST: &str = "from trusted_issuers order by name";
        let found = select(&["name, definition"], REST)
            .fetch_readable(&mut self.acquire_read().await?, ISSUERS, read_issuer)
            .await?;
        found.log(ISSUERS);
        Ok(found.rows)
    }

    /// The issuer of this name.
    pub async fn find_issuer(
        &self,
        name: &IssuerName,
    ) -> Result<Option<TrustedIssuer>, StoreError> {
        const SQL: &str = "select name, definition from trusted_issuers where name = $1";
        self.fetch_optional(SQL, &[name], read_issuer).await
    }

    /// Adds an issuer.
    pub async fn insert_issuer(
        &self,
        issuer: &TrustedIssuer,
        stamp: Stamp<'_>,
    ) -> Result<IssuerWritten, StoreError> {
        const COUNT: &str = "select count(*) from trusted_issuers";
        const INSERT: &str = "
            insert into trusted_issuers (name, anchor, definition)
            values ($1, $2, $3)
            on conflict (name) do nothing";
        let name = &issuer.name;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        stamp
            .by
            .actor
            .check_issuer_write(name, None, Some(issuer), None)?;
        lock_names(&mut tx).await?;
        refuse_client_ids(&mut tx, &issuer.anchor).await?;
        let count: i64 = tx.fetch_one(COUNT, &[], |row| row.get(0)).await?;
        if usize::try_from(count).is_ok_and(|count| count >= MAX_ISSUERS) {
            return Err(StoreError::Contradiction(format!(
                "there are {MAX_ISSUERS} trusted issuers already, which is the most"
            )));
        }
        let (anchor, definition) = (issuer.anchor.text(), definition(issuer)?);
        if tx.execute(INSERT, &[name, &anchor, &definition]).await? == 0 {
            return Ok(IssuerWritten::Taken);
        }
        let event = of_issuer(Action::IssuerAdd, name).after(issuer);
        self.commit_change(tx, stamp, Change::Issuer, vec![event])
            .await?;
        Ok(IssuerWritten::Written)
    }

    /// Makes an issuer that is `before` what it is in `after`.
    pub async fn replace_issuer(
        &self,
        before: &TrustedIssuer,
        after: &TrustedIssuer,
        stamp: Stamp<'_>,
    ) -> Result<IssuerWritten, StoreError> {
        const SQL: &str = "
            update trusted_issuers
            set definition = $3
            where name = $1 and definition = $2";
        let name = &before.name;
        let (old, new) = (definition(before)?, definition(after)?);
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if tx.execute(SQL, &[name, &old, &new]).await? == 0 {
            return Ok(IssuerWritten::Changed);
        }
        let reserved = find_reserved(&mut tx, name).await?;
        stamp
            .by
            .actor
            .check_issuer_write(name, Some(before), Some(after), reserved.as_ref())?;
        let action = match (before.status, after.status) {
            (IssuerStatus::Disabled, IssuerStatus::Enabled) => Action::IssuerEnable,
            (IssuerStatus::Enabled, IssuerStatus::Disabled) => Action::IssuerDisable,
            (_, _) => Action::IssuerUpdate,
        };
        let event = of_issuer(action, name).difference(before, after);
        self.commit_change(tx, stamp, Change::Issuer, vec![event])
            .await?;
        Ok(IssuerWritten::Written)
    }

    /// Removes an issuer at which no client has an identity.
    pub async fn delete_issuer(
        &self,
        name: &IssuerName,
        stamp: Stamp<'_>,
    ) -> Result<IssuerWritten, StoreError> {
        // Touched first, so that nobody adds an identity meanwhile.
        const LOCK: &str = "
            update trusted_issuers
            set definition = definition
            where name = $1
            returning name, definition";
        const USED: &str =
            "select count(distinct client_id) from client_identities where issuer = $1";
        const DELETE: &str = "delete from trusted_issuers where name = $1";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let read = |row: &Row| Ok(read_issuer(row).ok());
        let Some(before) = tx.fetch_optional(LOCK, &[name], read).await? else {
            return Ok(IssuerWritten::Changed);
        };
        let reserved = find_reserved(&mut tx, name).await?;
        stamp
            .by
            .actor
            .check_issuer_write(name, before.as_ref(), None, reserved.as_ref())?;
        let used = tx.fetch_one(USED, &[name], |row| row.count(0)).await?;
        if used > 0 {
            return Ok(IssuerWritten::InUse(used));
        }
        tx.execute(DELETE, &[name]).await?;
        let mut event = of_issuer(Action::IssuerRemove, name);
        if let Some(before) = before {
            event = event.before(before);
        }
        self.commit_change(tx, stamp, Change::Issuer, vec![event])
            .await?;
        Ok(IssuerWritten::Written)
    }

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

    /// The clients that have an identity at an issuer, by id.
    pub async fn list_clients_at_issuer(
        &self,
        issuer: &IssuerName,
    ) -> Result<Vec<ClientId>, StoreError> {
        const SQL: &str = "
            select distinct client_id
            from client_identities
            where issuer = $1
            order by client_id";
        let read = |row: &Row| row.parse("client_id");
        self.fetch_all(SQL, &[issuer], read).await
    }

    /// How many clients have an identity at an issuer.
    pub async fn count_clients_at_issuer(&self, issuer: &IssuerName) -> Result<u64, StoreError> {
        const SQL: &str =
            "select count(distinct client_id) from client_identities where issuer = $1";
        self.fetch_one(SQL, &[issuer], |row| row.count(0)).await
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
                "identities: there is no trusted issuer `{name}`"
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

/// Refuses a client whose id is that of a trusted issuer, or of a workload in a trust domain.
pub(in crate::store) async fn refuse_issuer_names(
    tx: &mut Tx<'_>,
    client: &Client,
) -> Result<(), StoreError> {
    const SQL: &str = "
        select name, definition
        from trusted_issuers
        where anchor = $1 or anchor = $2";
    let id = &client.client_id;
    // No other id can be one.
    if !id.as_str().contains("://") {
        return Ok(());
    }
    lock_names(tx).await?;
    let domain = domain_of(id.as_str());
    let issuers = tx.fetch_all(SQL, &[id, &domain], read_issuer).await?;
    match issuers.iter().find(|it| it.anchor.claims_client_id(id)) {
        Some(issuer) => Err(claimed(id, issuer)),
        None => Ok(()),
    }
}

/// `spiffe://` and the trust domain of what begins as a SPIFFE ID.
fn domain_of(text: &str) -> String {
    let rest = text.strip_prefix("spiffe://").unwrap_or_default();
    let domain = rest.split('/').next().unwrap_or_default();
    format!("spiffe://{domain}")
}

/// Refuses an issuer for which a client that is there would be taken.
async fn refuse_client_ids(tx: &mut Tx<'_>, anchor: &TrustAnchor) -> Result<(), StoreError> {
    const SQL: &str = "
        select client_id
        from clients
        where client_id = $1 or (client_id >= $2 and client_id < $3)
        order by client_id
        limit 1";
    // Behind the slash of a trust domain come all its workloads; behind an `iss` comes nothing.
    let text = anchor.text();
    let (first, end) = match anchor {
        TrustAnchor::Domain(_) => (format!("{text}/"), format!("{text}0")),
        TrustAnchor::Url(_) => (text.clone(), text.clone()),
    };
    let read = |row: &Row| row.parse("client_id");
    let found: Option<ClientId> = tx.fetch_optional(SQL, &[&text, &first, &end], read).await?;
    match found {
        Some(id) => Err(StoreError::Contradiction(format!(
            "there is a client `{id}`, which tokens of `{text}` would be taken for"
        ))),
        None => Ok(()),
    }
}

fn claimed(id: &ClientId, issuer: &TrustedIssuer) -> StoreError {
    StoreError::Contradiction(format!(
        "no client is `{id}`: the trusted issuer `{}` signs tokens of {}",
        issuer.name, issuer.anchor
    ))
}

/// Has those who write issuers, and clients that might be named like one, wait for one another.
async fn lock_names(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    const SQL: &str = "update installation set only_row = only_row";
    tx.execute(SQL, &[]).await?;
    Ok(())
}

/// A client with a reserved scope that has an identity at an issuer.
async fn find_reserved(
    tx: &mut Tx<'_>,
    issuer: &IssuerName,
) -> Result<Option<ClientId>, StoreError> {
    const SQL: &str = "
        select i.client_id
        from client_identities i
        join client_scopes s on s.client_id = i.client_id
        where i.issuer = $1 and (substr(s.scope, 1, length($2)) = $2 or s.scope = $3 or s.scope = $4)
        order by i.client_id
        limit 1";
    let (prefix, [one, other]) = Scope::reserved();
    let read = |row: &Row| row.parse("client_id");
    tx.fetch_optional(SQL, &[issuer, &prefix, &one, &other], read)
        .await
}

fn definition(issuer: &TrustedIssuer) -> Result<String, StoreError> {
    serde_json::to_string(issuer).map_err(|error| sqlx::Error::Encode(error.into()).into())
}

fn read_issuer(row: &Row) -> Result<TrustedIssuer, StoreError> {
    let spec: IssuerSpec = json::from_str(row.get("definition")?)
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let issuer = spec.build(crate::base::clock::UnixTime(0))?;
    if issuer.name.as_str() != row.get::<&str>("name")? {
        return Err(StoreError::Corrupt(
            "the definition of an issuer has another name than its row".to_owned(),
        ));
    }
    Ok(issuer)
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

fn of_issuer(action: Action, name: &IssuerName) -> NewEvent {
    NewEvent::new(action, Target::Issuer(name.clone()))
}
