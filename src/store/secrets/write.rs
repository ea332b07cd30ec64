//! Owns the rows of `client_secrets`; and how the secrets end that a new one replaces, in the transaction that adds it.

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Change, ClientId, ClientSecret, IdleExpiry, MAX_LIVE_SECRETS, NewEvent, OldSecrets,
    SecretId, Stamp, Target,
};
use crate::store::clients::record::{self, insert_idle_expiry, lock_record};
use crate::store::clients::row::bump_version;
use crate::store::db::{ToValue, Tx};
use crate::store::{Result, Store, WriteOptions};

/// The outcome of adding a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretAdded {
    /// The secret was added.
    Added,
    /// There is no such client.
    NoClient,
    /// The client does not have an expected version.
    OtherVersion,
    /// The client has [`MAX_LIVE_SECRETS`] already.
    TooMany,
    /// The same request was answered before.
    Repeated,
}

impl Store {
    /// Adds a secret to a client that has fewer than [`MAX_LIVE_SECRETS`] live ones. Two at once
    /// cannot both be the last: the update of the parent row makes the second wait.
    pub async fn insert_secret(
        &self,
        id: &ClientId,
        secret: &ClientSecret,
        options: &WriteOptions<'_>,
        stamp: Stamp<'_>,
    ) -> Result<SecretAdded> {
        let old = OldSecrets::Stay;
        self.rotate_secret(id, secret, old, options, stamp).await
    }

    /// Adds a secret likewise, and sets when the live ones before it end.
    pub async fn rotate_secret(
        &self,
        id: &ClientId,
        secret: &ClientSecret,
        old: OldSecrets,
        options: &WriteOptions<'_>,
        stamp: Stamp<'_>,
    ) -> Result<SecretAdded> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if !options.store_response(&mut tx).await? {
            return Ok(SecretAdded::Repeated);
        }
        let Some(before) = lock_record(&mut tx, id, stamp).await? else {
            return Ok(SecretAdded::NoClient);
        };
        if !options.expected.admits(&before.client) {
            return Ok(SecretAdded::OtherVersion);
        }
        let is_live = |it: &&ClientSecret| it.expires_at.is_none_or(|at| at > secret.created_at);
        if before.secrets.iter().filter(is_live).count() >= MAX_LIVE_SECRETS {
            return Ok(SecretAdded::TooMany);
        }
        record::insert_secret(&mut tx, id, secret, stamp.at).await?;
        let mut events = vec![of_secret(Action::SecretAdd, id, &secret.secret_id).after(secret)];
        events.extend(end_old_secrets(&mut tx, id, &before.secrets, old, stamp).await?);
        bump_version(&mut tx, id).await?;
        let changes = vec![Change::Client(id.clone())];
        self.commit_changes(tx, stamp, changes, events).await?;
        Ok(SecretAdded::Added)
    }

    /// Sets when a secret of this client ends; false when the client has no such secret.
    pub async fn set_secret_expiry(
        &self,
        id: &ClientId,
        secret_id: &SecretId,
        expires_at: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_secret(&mut tx, id, secret_id, stamp).await? else {
            return Ok(false);
        };
        set_expiry(&mut tx, id, secret_id, expires_at).await?;
        let event = of_secret(Action::SecretExpire, id, secret_id)
            .before(json!({ "expires_at": before.expires_at }))
            .after(json!({ "expires_at": expires_at }));
        self.commit_secret_change(tx, id, event, stamp).await?;
        Ok(true)
    }

    /// Removes a secret of this client, and what is known of its use; false when the client has no such secret.
    pub async fn delete_secret(
        &self,
        id: &ClientId,
        secret_id: &SecretId,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_secret(&mut tx, id, secret_id, stamp).await? else {
            return Ok(false);
        };
        record::delete_secret(&mut tx, id, secret_id).await?;
        let event = of_secret(Action::SecretDelete, id, secret_id).before(before);
        self.commit_secret_change(tx, id, event, stamp).await?;
        Ok(true)
    }

    /// Ends a transaction that has changed a secret of a client, which has another version then.
    pub(in crate::store) async fn commit_secret_change(
        &self,
        mut tx: Tx<'_>,
        id: &ClientId,
        event: NewEvent,
        stamp: Stamp<'_>,
    ) -> Result<()> {
        bump_version(&mut tx, id).await?;
        let changes = vec![Change::Client(id.clone())];
        self.commit_changes(tx, stamp, changes, vec![event]).await
    }

    /// Replaces a hash by one of the same secret, unless somebody else has meanwhile. Replicas are not told, there
    /// is no event and no other version: the old hash proves the same, and after a change of its parameters every first login comes here.
    pub async fn renew_secret_hash(
        &self,
        secret_id: &SecretId,
        old_hash: &str,
        new_hash: &str,
    ) -> Result<bool> {
        const SQL: &str = "
            update client_secrets
            set secret_hash = $3
            where secret_id = $1 and secret_hash = $2";
        let values: [&dyn ToValue; 3] = [secret_id, &old_hash, &new_hash];
        Ok(self.execute(SQL, &values).await? == 1)
    }
}

pub(in crate::store) async fn lock_secret(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secret_id: &SecretId,
    stamp: Stamp<'_>,
) -> Result<Option<ClientSecret>> {
    let locked = lock_record(tx, id, stamp).await?;
    let mut secrets = locked.into_iter().flat_map(|record| record.secrets);
    Ok(secrets.find(|secret| secret.secret_id == *secret_id))
}

pub(in crate::store) fn of_secret(action: Action, id: &ClientId, secret_id: &SecretId) -> NewEvent {
    NewEvent::of_client(action, id, Target::Secret(secret_id.clone()))
}

/// Sets when those of `secrets` end that are live; what was done.
async fn end_old_secrets(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secrets: &[ClientSecret],
    old: OldSecrets,
    stamp: Stamp<'_>,
) -> Result<Vec<NewEvent>> {
    let mut events = Vec::new();
    for secret in secrets.iter().filter(|it| it.is_live(stamp.at)) {
        let name = &secret.secret_id;
        let event = || of_secret(Action::SecretExpire, id, name);
        match old {
            // A rotation never makes a secret live longer.
            OldSecrets::ExpireAt(at) if secret.is_live(at) => {
                set_expiry(tx, id, name, at).await?;
                let before = json!({ "expires_at": secret.expires_at });
                events.push(event().before(before).after(json!({ "expires_at": at })));
            }
            OldSecrets::ExpireUnused(span) => {
                replace_idle_expiry(tx, id, name, Some(span), stamp.at).await?;
                let before = json!({ "ends_unused_for": secret.unused_for });
                let after = json!({ "ends_unused_for": span });
                events.push(event().before(before).after(after));
            }
            OldSecrets::Stay | OldSecrets::ExpireAt(_) => {}
        }
    }
    Ok(events)
}

async fn set_expiry(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secret_id: &SecretId,
    expires_at: UnixTime,
) -> Result<()> {
    const SQL: &str = "
        update client_secrets
        set expires_at = $3
        where client_id = $1 and secret_id = $2";
    tx.execute(SQL, &[id, secret_id, &expires_at])
        .await
        .map(drop)
}

/// Sets after how long without use a secret ends, or that it does not.
pub(in crate::store) async fn replace_idle_expiry(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secret_id: &SecretId,
    unused_for: Option<IdleExpiry>,
    now: UnixTime,
) -> Result<()> {
    const DELETE: &str = "delete from idle_expiries where secret_id = $1";
    tx.execute(DELETE, &[secret_id]).await?;
    match unused_for {
        Some(span) => insert_idle_expiry(tx, id, secret_id, span, now).await,
        None => Ok(()),
    }
}
