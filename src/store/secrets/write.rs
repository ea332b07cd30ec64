//! Owns the rows of `client_secrets`.

use serde_json::json;
use sqlx::FromRow;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Change, ClientEffect, ClientId, ClientSecret, EndingSecret, MAX_LIVE_SECRETS, NewEvent,
    SecretId, SecretOrigin, Stamp, Target, UnusedFor,
};
use crate::store::audit::append::record;
use crate::store::clients::row::{lock_client, read_record};
use crate::store::idempotency::{RememberedAnswer, remember};
use crate::store::{Store, StoreError, execute, in_transaction, on_pool};

/// What came of adding a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretAdded {
    /// It was.
    Added,
    /// There is no such client.
    NoClient,
    /// The client has [`MAX_LIVE_SECRETS`] already.
    TooMany,
    /// The same was done before.
    Remembered,
}

pub(in crate::store) const INSERT: &str = "
    insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at,
        expires_at)
    values ($1, $2, $3, $4, $5, $6, $7)";

/// Inserts a secret on an open transaction of either product. Where it ends when it is used no more, that counts from `now`:
/// nothing is known of a use before.
macro_rules! insert {
    ($tx:ident, $client_id:expr, $secret:expr, $now:expr) => {{
        let secret: &$crate::domain::ClientSecret = $secret;
        sqlx::query($crate::store::secrets::write::INSERT)
            .bind(secret.secret_id.as_str())
            .bind($client_id.as_str())
            .bind(secret.origin.as_str())
            .bind(&secret.secret_hash)
            .bind(&secret.hint)
            .bind(secret.created_at.0)
            .bind(secret.expires_at.map(|expires_at| expires_at.0))
            .execute(&mut *$tx)
            .await?;
        if let Some(unused_for) = secret.unused_for {
            $crate::store::secrets::idle_expiry::insert!(
                $tx,
                $client_id,
                secret.secret_id,
                unused_for,
                $now
            );
        }
    }};
}
pub(in crate::store) use insert;

impl Store {
    /// Adds a secret to a client that has fewer than [`MAX_LIVE_SECRETS`] live ones. Two at once
    /// cannot both be the last: the update of the parent row makes the second wait.
    pub async fn insert_secret(
        &self,
        id: &ClientId,
        secret: &ClientSecret,
        stamp: Stamp<'_>,
    ) -> Result<SecretAdded, StoreError> {
        self.insert_secret_once(id, secret, None, stamp).await
    }

    /// The same, and keeps what is answered; neither when that was done before.
    pub async fn insert_secret_once(
        &self,
        id: &ClientId,
        secret: &ClientSecret,
        answer: Option<&RememberedAnswer>,
        stamp: Stamp<'_>,
    ) -> Result<SecretAdded, StoreError> {
        const COUNT_LIVE: &str = "
            select count(*)
            from client_secrets
            where client_id = $1 and (expires_at is null or expires_at > $2)";
        in_transaction!(self, |tx| {
            if let Some(answer) = answer
                && !remember!(tx, answer)
            {
                return Ok(SecretAdded::Remembered);
            }
            if lock_client!(tx, id, ClientEffect::Changes, stamp).is_none() {
                return Ok(SecretAdded::NoClient);
            }
            let live: i64 = sqlx::query_scalar(COUNT_LIVE)
                .bind(id.as_str())
                .bind(secret.created_at.0)
                .fetch_one(&mut *tx)
                .await?;
            if usize::try_from(live).is_ok_and(|live| live >= MAX_LIVE_SECRETS) {
                return Ok(SecretAdded::TooMany);
            }
            insert!(tx, id, secret, stamp.at);
            let event = of_secret(Action::SecretAdd, id, &secret.secret_id).after(secret);
            record!(self, tx, stamp, Change::Client(id.clone()), vec![event]);
            SecretAdded::Added
        })
    }

    /// Sets when a secret of this client ends; false when the client has no such secret.
    pub async fn set_secret_expiry(
        &self,
        id: &ClientId,
        secret_id: &SecretId,
        expires_at: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
        const FIND: &str = "
            select expires_at
            from client_secrets
            where client_id = $1 and secret_id = $2";
        const SQL: &str = "
            update client_secrets
            set expires_at = $3
            where client_id = $1 and secret_id = $2";
        in_transaction!(self, |tx| {
            if lock_client!(tx, id, ClientEffect::Changes, stamp).is_none() {
                return Ok(false);
            }
            let before: Option<Option<i64>> = sqlx::query_scalar(FIND)
                .bind(id.as_str())
                .bind(secret_id.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(before) = before else {
                return Ok(false);
            };
            sqlx::query(SQL)
                .bind(id.as_str())
                .bind(secret_id.as_str())
                .bind(expires_at.0)
                .execute(&mut *tx)
                .await?;
            let event = of_secret(Action::SecretExpire, id, secret_id)
                .before(json!({ "expires_at": before }))
                .after(json!({ "expires_at": expires_at }));
            record!(self, tx, stamp, Change::Client(id.clone()), vec![event]);
            true
        })
    }

    /// Removes a secret of this client, and what is known of its use; false when the client has no such secret.
    pub async fn delete_secret(
        &self,
        id: &ClientId,
        secret_id: &SecretId,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
        const FORGET_USE: &str = "delete from last_uses where client_id = $1 and secret_id = $2";
        const FORGET_HOURS: &str =
            "delete from secret_hours where client_id = $1 and secret_id = $2";
        const DELETE: &str = "delete from client_secrets where client_id = $1 and secret_id = $2";
        in_transaction!(self, |tx| {
            if lock_client!(tx, id, ClientEffect::Changes, stamp).is_none() {
                return Ok(false);
            }
            let record = read_record!(tx, id);
            let mut secrets = record.into_iter().flat_map(|record| record.secrets);
            let Some(before) = secrets.find(|secret| secret.secret_id == *secret_id) else {
                return Ok(false);
            };
            for sql in [FORGET_USE, FORGET_HOURS, DELETE] {
                sqlx::query(sql)
                    .bind(id.as_str())
                    .bind(secret_id.as_str())
                    .execute(&mut *tx)
                    .await?;
            }
            let event = of_secret(Action::SecretDelete, id, secret_id).before(before);
            record!(self, tx, stamp, Change::Client(id.clone()), vec![event]);
            true
        })
    }

    /// Replaces a hash by one of the same secret, unless somebody else has meanwhile. Replicas are not told, and there
    /// is no event: the old hash proves the same, and after a change of its parameters every first login comes here.
    pub async fn renew_secret_hash(
        &self,
        secret_id: &SecretId,
        old_hash: &str,
        new_hash: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update client_secrets
            set secret_hash = $3
            where secret_id = $1 and secret_hash = $2";
        let updated = execute!(self, SQL, secret_id.as_str(), old_hash, new_hash)?;
        Ok(updated == 1)
    }

    /// Of the enabled clients that log in by secret: how many have none that is good at `now`, and how many lose their
    /// last one by each of `ends`.
    pub async fn count_last_secrets(
        &self,
        now: UnixTime,
        ends: [UnixTime; 3],
    ) -> Result<(u64, [u64; 3]), StoreError> {
        // A secret that never ends does so at the end of time.
        const SQL: &str = "
            select count(case when ends_at <= $1 then 1 end),
                count(case when ends_at > $1 and ends_at <= $2 then 1 end),
                count(case when ends_at > $1 and ends_at <= $3 then 1 end),
                count(case when ends_at > $1 and ends_at <= $4 then 1 end)
            from (
                select max(coalesce(s.expires_at, 9223372036854775807)) as ends_at
                from client_secrets s
                join clients c on c.client_id = s.client_id
                where c.status = 'enabled' and c.auth_methods like '%client_secret_%'
                group by s.client_id) ends";
        let [first, second, third] = ends;
        let (past, in_first, in_second, in_third): (i64, i64, i64, i64) =
            on_pool!(self, |pool| sqlx::query_as(SQL)
                .bind(now.0)
                .bind(first.0)
                .bind(second.0)
                .bind(third.0)
                .fetch_one(pool)
                .await)?;
        let counted = [in_first, in_second, in_third].map(i64::unsigned_abs);
        Ok((past.unsigned_abs(), counted))
    }

    /// The secrets of enabled clients that end between the two times, the first to end first. `cross join` keeps SQLite
    /// from beginning with all the enabled clients.
    pub async fn list_ending_secrets(
        &self,
        after: UnixTime,
        until: UnixTime,
        limit: u32,
    ) -> Result<Vec<EndingSecret>, StoreError> {
        const SQL: &str = "
            select s.client_id, s.secret_id, s.hint, s.expires_at, not exists (
                select 1
                from client_secrets o
                where o.client_id = s.client_id and o.secret_id <> s.secret_id
                    and (o.expires_at is null or o.expires_at > s.expires_at)) as is_last
            from client_secrets s
            cross join clients c
            where c.client_id = s.client_id and s.expires_at > $1 and s.expires_at <= $2 and c.status = 'enabled'
            order by s.expires_at
            limit $3";
        let rows: Vec<(String, String, String, i64, bool)> =
            on_pool!(self, |pool| sqlx::query_as(SQL)
                .bind(after.0)
                .bind(until.0)
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await)?;
        rows.into_iter()
            .map(|(client_id, secret_id, hint, expires_at, is_last)| {
                Ok(EndingSecret {
                    client_id: ClientId::parse(&client_id)?,
                    secret_id: SecretId::parse(&secret_id)?,
                    hint,
                    expires_at: UnixTime(expires_at),
                    is_last,
                })
            })
            .collect()
    }
}

fn of_secret(action: Action, id: &ClientId, secret_id: &SecretId) -> NewEvent {
    NewEvent::of_client(action, id, Target::Secret(secret_id.clone()))
}

/// The columns of a secret beside those of its client; all null where a client has none.
#[derive(FromRow)]
pub(in crate::store) struct SecretColumns {
    secret_id: Option<String>,
    origin: Option<String>,
    secret_hash: Option<String>,
    hint: Option<String>,
    secret_created_at: Option<i64>,
    expires_at: Option<i64>,
    unused_for: Option<i64>,
}

impl TryFrom<SecretColumns> for Option<ClientSecret> {
    type Error = StoreError;

    fn try_from(row: SecretColumns) -> Result<Self, StoreError> {
        let (Some(secret_id), Some(origin), Some(secret_hash), Some(hint), Some(created_at)) = (
            row.secret_id,
            row.origin,
            row.secret_hash,
            row.hint,
            row.secret_created_at,
        ) else {
            return Ok(None);
        };
        Ok(Some(ClientSecret {
            secret_id: SecretId::parse(&secret_id)?,
            origin: SecretOrigin::parse(&origin)?,
            secret_hash,
            hint,
            created_at: UnixTime(created_at),
            expires_at: row.expires_at.map(UnixTime),
            unused_for: row.unused_for.map(UnusedFor::from_seconds).transpose()?,
        }))
    }
}
