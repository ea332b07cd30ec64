//! Owns which secrets expire soon, and the rows of `idle_expiries`: secrets that end by themselves some time after their last use.

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, ClientEffect, ClientId, EndingSecret, IdleExpiry, Origin, SecretId, Stamp,
};
use crate::store::clients::row::lock_client;
use crate::store::db::{Row, RowsOf, ToValue, query};
use crate::store::secrets::write::{lock_secret, of_secret, replace_idle_expiry};
use crate::store::{Result, Store, TrustedTime};

const SECRETS: RowsOf = RowsOf::new("client_secrets", "secret_id");

/// What holds of a secret that is due: it is good, it has not been used for long enough, and it is not the last good one
/// of its client. `$1`: now; `$2`: that much later than it says.
const IS_DUE: &str = "
    s.secret_id = e.secret_id
    and (s.expires_at is null or s.expires_at > $1)
    and case when u.used_at > e.starts_at then u.used_at else e.starts_at end + e.idle_seconds + $2 <= $1
    and exists (
        select 1
        from client_secrets o
        where o.client_id = s.client_id and o.secret_id <> s.secret_id
            and (o.expires_at is null or o.expires_at > $1))";

/// `cross join` keeps SQLite from beginning with all the secrets.
const FROM: &str = "
    from idle_expiries e
    cross join client_secrets s
    left join last_used u on u.client_id = e.client_id and u.secret_id = e.secret_id";

impl Store {
    /// Of the enabled clients that log in by secret: how many have none that is good at `now`, and how many lose their
    /// last one by each of `ends`.
    pub async fn count_last_secrets(
        &self,
        now: UnixTime,
        ends: [UnixTime; 3],
    ) -> Result<(u64, [u64; 3])> {
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
        let read = |row: &Row| {
            let in_each = [row.count(1)?, row.count(2)?, row.count(3)?];
            Ok((row.count(0)?, in_each))
        };
        self.fetch_one(SQL, &[&now, &first, &second, &third], read)
            .await
    }

    /// Of these clients those whose last secret ends before `until`, with when it does.
    pub async fn list_last_secret_ends(
        &self,
        ids: &[&ClientId],
        until: UnixTime,
    ) -> Result<Vec<(ClientId, UnixTime)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = query(
            "select client_id, max(expires_at) as expires_at from client_secrets where client_id in ",
        );
        query.push_list(ids.iter().map(|id| id.to_value()));
        // A secret without an end is not counted by the second count.
        query
            .push(" group by client_id having count(*) = count(expires_at) and max(expires_at) < ")
            .push_bind(until.to_value());
        let read = |row: &Row| Ok((row.parse("client_id")?, row.time("expires_at")?));
        query.fetch_all(&mut self.acquire_read().await?, read).await
    }

    /// The secrets of enabled clients that end between the two times, the first to end first. `cross join` keeps SQLite
    /// from beginning with all the enabled clients.
    pub async fn list_ending_secrets(
        &self,
        after: UnixTime,
        until: UnixTime,
        limit: u32,
    ) -> Result<Vec<EndingSecret>> {
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
        let read = |row: &Row| {
            Ok(EndingSecret {
                client_id: row.parse("client_id")?,
                secret_id: row.parse("secret_id")?,
                hint: row.get("hint")?,
                expires_at: row.time("expires_at")?,
                is_last: row.get("is_last")?,
            })
        };
        query(SQL)
            .bind(&[&after, &until, &limit])
            .fetch_undamaged(&mut self.acquire_read().await?, SECRETS, read)
            .await
    }

    /// Sets after how long without use a secret of this client ends, or that it does not; false when the client has no
    /// such secret.
    pub async fn set_idle_expiry(
        &self,
        id: &ClientId,
        secret_id: &SecretId,
        unused_for: Option<IdleExpiry>,
        stamp: Stamp<'_>,
    ) -> Result<bool> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_secret(&mut tx, id, secret_id, stamp).await? else {
            return Ok(false);
        };
        replace_idle_expiry(&mut tx, id, secret_id, unused_for, stamp.at).await?;
        let event = of_secret(Action::SecretExpire, id, secret_id)
            .before(json!({ "ends_unused_for": before.unused_for }))
            .after(json!({ "ends_unused_for": unused_for }));
        self.commit_secret_change(tx, id, event, stamp).await?;
        Ok(true)
    }

    /// The secrets that have not been used for so long that they end; `slack` is how much later than that.
    pub async fn list_idle_secrets(
        &self,
        now: TrustedTime,
        slack: i64,
    ) -> Result<Vec<(ClientId, SecretId)>> {
        let mut query = query("select e.client_id, e.secret_id");
        query.push(FROM).push(" where ").push(IS_DUE);
        let due_at = now.time();
        query = query.bind(&[&due_at, &slack]);
        query.push(" limit 1000");
        let read = |row: &Row| Ok((row.parse(0)?, row.parse(1)?));
        query
            .fetch_undamaged(&mut self.acquire_read().await?, SECRETS, read)
            .await
    }

    /// Ends such a secret, if it is one still; whether it was.
    pub async fn expire_idle_secret(
        &self,
        id: &ClientId,
        secret_id: &SecretId,
        slack: i64,
        by: &Origin,
        now: TrustedTime,
    ) -> Result<bool> {
        const END: &str = "update client_secrets set expires_at = $2 where secret_id = $1";
        const DELETE: &str = "delete from idle_expiries where secret_id = $1";
        let stamp = by.at(now.time());
        let mut find = query("select s.expires_at, u.used_at, e.idle_seconds");
        find.push(FROM).push(" where ").push(IS_DUE);
        find.push(" and e.secret_id = $3");
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if lock_client(&mut tx, id, ClientEffect::Changes, stamp)
            .await?
            .is_none()
        {
            return Ok(false);
        }
        let read = |row: &Row| {
            let (expires_at, used_at): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok((expires_at, used_at, row.get::<i64>(2)?))
        };
        let due = find
            .bind(&[&stamp.at, &slack, secret_id])
            .fetch_optional(&mut tx, read)
            .await?;
        let Some((expires_at, used_at, unused_for)) = due else {
            return Ok(false);
        };
        tx.execute(END, &[secret_id, &stamp.at]).await?;
        tx.execute(DELETE, &[secret_id]).await?;
        let before = json!({
            "expires_at": expires_at, "ends_unused_for": unused_for, "last_used_at": used_at,
        });
        let event = of_secret(Action::SecretExpire, id, secret_id)
            .before(before)
            .after(json!({ "expires_at": stamp.at, "ends_unused_for": null }));
        self.commit_secret_change(tx, id, event, stamp).await?;
        Ok(true)
    }
}
