//! Owns which secrets expire soon.

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, EndingSecret};
use crate::store::db::damage::RowsOf;
use crate::store::db::query::row::Row;
use crate::store::db::query::{ToValue, query};
use crate::store::{Store, StoreError};

pub(in crate::store) const SECRETS: RowsOf = RowsOf {
    table: "client_secrets",
    key: "secret_id",
};

impl Store {
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
    ) -> Result<Vec<(ClientId, UnixTime)>, StoreError> {
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
        let read = |row: &Row| {
            Ok(EndingSecret {
                client_id: row.parse("client_id")?,
                secret_id: row.parse("secret_id")?,
                hint: row.get("hint")?,
                expires_at: row.time("expires_at")?,
                is_last: row.get("is_last")?,
            })
        };
        let query = query(SQL).bind(&[&after, &until, &limit]);
        let on = &mut self.acquire().await?;
        let found = query.fetch_readable(on, SECRETS, read).await?;
        Ok(found.into_rows(SECRETS))
    }
}
