//! Owns the rows of `secret_ends`: secrets that end by themselves some time after their last use.

use serde_json::json;

use crate::domain::{
    Action, Change, ClientEffect, ClientId, NewEvent, Origin, SecretId, Stamp, Target, UnusedFor,
};
use crate::store::audit::append::record;
use crate::store::clients::row::lock_client;
use crate::store::{Store, StoreError, TrustedTime, in_transaction, on_pool};

/// What holds of a secret that is due: it is good, it has not been used for long enough, and it is not the last good one
/// of its client. `$1`: now; `$2`: that much later than it says.
const IS_DUE: &str = "
    s.secret_id = e.secret_id
    and (s.expires_at is null or s.expires_at > $1)
    and case when u.used_at > e.since then u.used_at else e.since end + e.unused_for + $2 <= $1
    and exists (
        select 1
        from client_secrets o
        where o.client_id = s.client_id and o.secret_id <> s.secret_id
            and (o.expires_at is null or o.expires_at > $1))";

/// `cross join` keeps SQLite from beginning with all the secrets.
const FROM: &str = "
    from secret_ends e
    cross join client_secrets s
    left join last_uses u on u.client_id = e.client_id and u.secret_id = e.secret_id";

pub(in crate::store) const INSERT: &str = "
    insert into secret_ends (secret_id, client_id, unused_for, since)
    values ($1, $2, $3, $4)";

/// Inserts the end of a secret on an open transaction of either product.
macro_rules! insert {
    ($tx:ident, $client_id:expr, $secret_id:expr, $unused_for:expr, $since:expr) => {
        sqlx::query($crate::store::secrets::idle_expiry::INSERT)
            .bind($secret_id.as_str())
            .bind($client_id.as_str())
            .bind($unused_for.seconds())
            .bind($since.0)
            .execute(&mut *$tx)
            .await?
    };
}
pub(in crate::store) use insert;

impl Store {
    /// Sets after how long without use a secret of this client ends, or that it does not; false when the client has no
    /// such secret.
    pub async fn set_unused_end(
        &self,
        id: &ClientId,
        secret_id: &SecretId,
        unused_for: Option<UnusedFor>,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
        const FIND: &str = "
            select e.unused_for
            from client_secrets s
            left join secret_ends e on e.secret_id = s.secret_id
            where s.client_id = $1 and s.secret_id = $2";
        const DELETE: &str = "delete from secret_ends where secret_id = $1";
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
            sqlx::query(DELETE)
                .bind(secret_id.as_str())
                .execute(&mut *tx)
                .await?;
            if let Some(unused_for) = unused_for {
                insert!(tx, id, secret_id, unused_for, stamp.at);
            }
            let event = of_secret(id, secret_id)
                .before(json!({ "ends_unused_for": before }))
                .after(json!({ "ends_unused_for": unused_for }));
            record!(self, tx, stamp, Change::Client(id.clone()), vec![event]);
            true
        })
    }

    /// The secrets that have not been used for so long that they end; `slack` is how much later than that.
    pub async fn list_due_ends(
        &self,
        now: TrustedTime,
        slack: i64,
    ) -> Result<Vec<(ClientId, SecretId)>, StoreError> {
        let sql = format!("select e.client_id, e.secret_id {FROM} where {IS_DUE} limit 1000");
        let rows: Vec<(String, String)> = on_pool!(self, |pool| {
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
            query.bind(now.time().0).bind(slack).fetch_all(pool).await
        })?;
        rows.into_iter()
            .map(|(id, secret_id)| Ok((ClientId::parse(&id)?, SecretId::parse(&secret_id)?)))
            .collect()
    }

    /// Ends such a secret, if it is one still; whether it was.
    pub async fn end_unused_secret(
        &self,
        id: &ClientId,
        secret_id: &SecretId,
        slack: i64,
        by: &Origin,
        now: TrustedTime,
    ) -> Result<bool, StoreError> {
        const END: &str = "update client_secrets set expires_at = $2 where secret_id = $1";
        const DELETE: &str = "delete from secret_ends where secret_id = $1";
        let stamp = by.at(now.time());
        let find = format!(
            "select s.expires_at, u.used_at, e.unused_for {FROM} where {IS_DUE} and e.secret_id = $3"
        );
        in_transaction!(self, |tx| {
            if lock_client!(tx, id, ClientEffect::Changes, stamp).is_none() {
                return Ok(false);
            }
            let due: Option<(Option<i64>, Option<i64>, i64)> =
                sqlx::query_as(sqlx::AssertSqlSafe(find))
                    .bind(stamp.at.0)
                    .bind(slack)
                    .bind(secret_id.as_str())
                    .fetch_optional(&mut *tx)
                    .await?;
            let Some((expires_at, used_at, unused_for)) = due else {
                return Ok(false);
            };
            sqlx::query(END)
                .bind(secret_id.as_str())
                .bind(stamp.at.0)
                .execute(&mut *tx)
                .await?;
            sqlx::query(DELETE)
                .bind(secret_id.as_str())
                .execute(&mut *tx)
                .await?;
            let before = json!({
                "expires_at": expires_at, "ends_unused_for": unused_for, "last_used_at": used_at,
            });
            let event = of_secret(id, secret_id)
                .before(before)
                .after(json!({ "expires_at": stamp.at, "ends_unused_for": null }));
            record!(self, tx, stamp, Change::Client(id.clone()), vec![event]);
            true
        })
    }
}

fn of_secret(id: &ClientId, secret_id: &SecretId) -> NewEvent {
    NewEvent::of_client(Action::SecretExpire, id, Target::Secret(secret_id.clone()))
}
