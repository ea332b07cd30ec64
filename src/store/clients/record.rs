//! Owns how a client and its secrets are read and written as one; and `client_scopes`, which clients may ask for a scope.

use crate::base::clock::UnixTime;
use crate::domain::{
    ClientEffect, ClientId, ClientRecord, ClientSecret, IdleExpiry, Scope, SecretId, SecretOrigin,
    Stamp,
};
use crate::store::clients::row::{self, CLIENTS, read_client};
use crate::store::db::{Query, Readable, Row, Session, ToValue, Tx, query, select};
use crate::store::issuers::identities::replace_identities;
use crate::store::issuers::names::refuse_issuer_names;
use crate::store::{Result, StoreError};

/// The columns of a secret beside those of its client; all null where a client has none.
const SECRET_COLUMNS: &str = "s.secret_id, s.origin, s.secret_hash, s.hint, \
    s.created_at as secret_created_at, s.expires_at, s.vouched, e.idle_seconds";

/// Clients with their secrets, those with an id that the rest of the statement says.
pub(in crate::store) fn select_records<'q>() -> Query<'q> {
    select(
        &[row::COLUMNS, SECRET_COLUMNS],
        "from clients c
        left join client_secrets s on s.client_id = c.client_id
        left join idle_expiries e on e.secret_id = s.secret_id
        where c.client_id ",
    )
}

/// Runs what began as [`select_records`]: clients by id, each with its secrets, the oldest first.
pub(in crate::store) async fn fetch_records(
    query: Query<'_>,
    on: &mut dyn Session,
) -> Result<Vec<ClientRecord>> {
    fetch_readable_records(query, on).await?.into_all()
}

/// Runs what began as [`select_records`], without the clients that are damaged themselves or have a damaged secret.
pub(in crate::store) async fn fetch_readable_records(
    mut query: Query<'_>,
    on: &mut dyn Session,
) -> Result<Readable<ClientRecord>> {
    query.push(" order by c.client_id, s.created_at, s.secret_id");
    let mut found = Readable::new(CLIENTS);
    let mut damaged: Option<String> = None;
    let mut each = |row: &Row| {
        let id: &str = row.get("client_id")?;
        if damaged.as_deref() == Some(id) {
            return Ok(());
        }
        if let Err(why) = add_row(&mut found.rows, row, id) {
            let is_of_it = |last: &ClientRecord| last.client.client_id.as_str() == id;
            if found.rows.last().is_some_and(is_of_it) {
                found.rows.pop();
            }
            found.add_damaged(row, why);
            damaged = Some(id.to_owned());
        }
        Ok(())
    };
    query.for_each(on, &mut each).await?;
    Ok(found)
}

/// Adds a row to its client, which may be there with the secret of the row before.
fn add_row(records: &mut Vec<ClientRecord>, row: &Row, id: &str) -> Result<()> {
    let secret = read_secret(row)?;
    match records.last_mut() {
        Some(last) if last.client.client_id.as_str() == id => last.secrets.extend(secret),
        Some(_) | None => records.push(ClientRecord {
            client: read_client(row)?,
            secrets: secret.into_iter().collect(),
        }),
    }
    Ok(())
}

/// A client with its secrets, as one consistent picture.
pub(in crate::store) async fn read_record(
    on: &mut dyn Session,
    id: &ClientId,
) -> Result<Option<ClientRecord>> {
    let mut query = select_records();
    query.push("= ").push_bind(id.to_value());
    Ok(fetch_records(query, on).await?.pop())
}

/// Locks a client that the actor may change, and reads it with its secrets; `None` where there is no such client.
pub(in crate::store) async fn lock_record(
    tx: &mut Tx<'_>,
    id: &ClientId,
    stamp: Stamp<'_>,
) -> Result<Option<ClientRecord>> {
    lock_any_record(tx, id, stamp).await?.transpose()
}

/// [`lock_record`] for a client that may be damaged itself or have a damaged secret: then the inner result says why.
pub(in crate::store) async fn lock_any_record(
    tx: &mut Tx<'_>,
    id: &ClientId,
    stamp: Stamp<'_>,
) -> Result<Option<Result<ClientRecord>>> {
    match row::lock_any_client(tx, id, ClientEffect::Changes, stamp).await? {
        None => Ok(None),
        Some(Err(why)) => Ok(Some(Err(why))),
        Some(Ok(client)) => Ok(Some(match read_secrets(tx, id).await {
            Ok(secrets) => Ok(ClientRecord { client, secrets }),
            Err(why @ StoreError::Corrupt(_)) => Err(why),
            Err(error) => return Err(error),
        })),
    }
}

/// The secrets of a client, the oldest first.
async fn read_secrets(tx: &mut Tx<'_>, id: &ClientId) -> Result<Vec<ClientSecret>> {
    const REST: &str = "
        from client_secrets s
        left join idle_expiries e on e.secret_id = s.secret_id
        where s.client_id = $1
        order by s.created_at, s.secret_id";
    let query = select(&[SECRET_COLUMNS], REST).bind(&[id]);
    let found = query.fetch_all(tx, read_secret).await?;
    Ok(found.into_iter().flatten().collect())
}

fn read_secret(row: &Row) -> Result<Option<ClientSecret>> {
    let Some(secret_id) = row.parse_optional("secret_id")? else {
        return Ok(None);
    };
    let unused_for: Option<i64> = row.get("idle_seconds")?;
    Ok(Some(ClientSecret {
        secret_id,
        origin: SecretOrigin::parse(row.get("origin")?)?,
        secret_hash: row.get("secret_hash")?,
        hint: row.get("hint")?,
        created_at: row.time("secret_created_at")?,
        expires_at: row.optional_time("expires_at")?,
        unused_for: unused_for.map(IdleExpiry::from_seconds).transpose()?,
        vouched: row.get("vouched")?,
    }))
}

/// Inserts a client with its secrets; false when its id is taken.
pub(in crate::store) async fn insert_record(
    tx: &mut Tx<'_>,
    record: &ClientRecord,
    now: UnixTime,
) -> Result<bool> {
    let client = &record.client;
    if !row::insert_row(tx, client).await? {
        return Ok(false);
    }
    refuse_issuer_names(tx, client).await?;
    replace_scopes(tx, &client.client_id, &client.scopes).await?;
    let identities = &client.authentication.identities;
    if !identities.is_empty() {
        replace_identities(tx, &client.client_id, identities).await?;
    }
    for secret in &record.secrets {
        insert_secret(tx, &client.client_id, secret, now).await?;
    }
    Ok(true)
}

/// Makes a client with its secrets that of `after`. What is known of the use of secrets that stay is kept.
pub(in crate::store) async fn replace_record(
    tx: &mut Tx<'_>,
    before: &ClientRecord,
    after: &mut ClientRecord,
    now: UnixTime,
) -> Result<()> {
    row::replace_row(tx, &mut after.client).await?;
    let client = &after.client;
    let id = &client.client_id;
    replace_scopes(tx, id, &client.scopes).await?;
    let identities = &client.authentication.identities;
    if *identities != before.client.authentication.identities {
        replace_identities(tx, id, identities).await?;
    }
    let find = |secrets: &[ClientSecret], id: &SecretId| {
        secrets.iter().find(|it| it.secret_id == *id).cloned()
    };
    for old in &before.secrets {
        match find(&after.secrets, &old.secret_id) {
            None => delete_secret(tx, id, &old.secret_id).await?,
            Some(new) if new == *old => {}
            Some(_) => delete_secret_row(tx, id, &old.secret_id).await?,
        }
    }
    for new in &after.secrets {
        if find(&before.secrets, &new.secret_id).as_ref() != Some(new) {
            insert_secret(tx, id, new, now).await?;
        }
    }
    Ok(())
}

/// Inserts a secret. Where it expires when it is used no more, that counts from `now`: nothing is known of a use before.
pub(in crate::store) async fn insert_secret(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secret: &ClientSecret,
    now: UnixTime,
) -> Result<()> {
    const SQL: &str = "
        insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at,
            expires_at, vouched)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values: &[&dyn ToValue] = &[
        &secret.secret_id,
        id,
        &secret.origin.as_str(),
        &secret.secret_hash,
        &secret.hint,
        &secret.created_at,
        &secret.expires_at,
        &secret.vouched,
    ];
    tx.execute(SQL, values).await?;
    match secret.unused_for {
        Some(unused_for) => insert_idle_expiry(tx, id, &secret.secret_id, unused_for, now).await,
        None => Ok(()),
    }
}

/// Has a secret expire when it is unused for so long, `since` then at the earliest.
pub(in crate::store) async fn insert_idle_expiry(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secret_id: &SecretId,
    unused_for: IdleExpiry,
    since: UnixTime,
) -> Result<()> {
    const SQL: &str = "
        insert into idle_expiries (secret_id, client_id, idle_seconds, starts_at)
        values ($1, $2, $3, $4)";
    tx.execute(SQL, &[secret_id, id, &unused_for.seconds(), &since])
        .await
        .map(drop)
}

/// Deletes a secret and what is known of its use.
pub(in crate::store) async fn delete_secret(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secret_id: &SecretId,
) -> Result<()> {
    const USE: &str = "delete from last_used where client_id = $1 and secret_id = $2";
    const HOURS: &str = "delete from secret_hours where client_id = $1 and secret_id = $2";
    for sql in [USE, HOURS] {
        tx.execute(sql, &[id, secret_id]).await?;
    }
    delete_secret_row(tx, id, secret_id).await
}

async fn delete_secret_row(tx: &mut Tx<'_>, id: &ClientId, secret_id: &SecretId) -> Result<()> {
    const SQL: &str = "delete from client_secrets where client_id = $1 and secret_id = $2";
    tx.execute(SQL, &[id, secret_id]).await.map(drop)
}

/// Makes these the scopes of a client in the index, which follows what the clients themselves say, in the same transaction.
pub(in crate::store) async fn replace_scopes(
    tx: &mut Tx<'_>,
    id: &ClientId,
    scopes: &Scope,
) -> Result<()> {
    const DELETE: &str = "delete from client_scopes where client_id = $1";
    const INSERT: &str = "insert into client_scopes (client_id, scope) values ";
    tx.execute(DELETE, &[id]).await?;
    if scopes.is_empty() {
        return Ok(());
    }
    let mut query = query(INSERT);
    query.push_rows(
        scopes
            .tokens()
            .map(|scope| [id.to_value(), scope.to_value()]),
    );
    query.execute(tx).await.map(drop)
}
