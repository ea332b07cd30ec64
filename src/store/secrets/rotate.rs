//! Owns how the secrets end that a new one replaces, in the transaction that adds it.

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, ClientId, ClientSecret, IdleExpiry, NewEvent, OldSecrets, SecretId, Stamp,
};
use crate::store::StoreError;
use crate::store::clients::record::insert_idle_expiry;
use crate::store::db::conn::Tx;
use crate::store::secrets::write::of_secret;

/// Sets when those of `secrets` end that are live; what was done.
pub(in crate::store) async fn end_old_secrets(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secrets: &[ClientSecret],
    old: OldSecrets,
    stamp: Stamp<'_>,
) -> Result<Vec<NewEvent>, StoreError> {
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

/// Sets when a secret ends.
pub(in crate::store) async fn set_expiry(
    tx: &mut Tx<'_>,
    id: &ClientId,
    secret_id: &SecretId,
    expires_at: UnixTime,
) -> Result<(), StoreError> {
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
) -> Result<(), StoreError> {
    const DELETE: &str = "delete from idle_expiries where secret_id = $1";
    tx.execute(DELETE, &[secret_id]).await?;
    match unused_for {
        Some(span) => insert_idle_expiry(tx, id, secret_id, span, now).await,
        None => Ok(()),
    }
}
