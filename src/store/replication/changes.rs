//! Owns the rows of `changes` and their order: what replicas have to be told of.
//!
//! A change takes its id by updating the one row of `change_order` and holds that row's lock until it commits. So
//! ids become visible in their order, and who has read up to an id has missed nothing. To be the last thing a
//! transaction locks, but for the head of the audit trail: then no two wait for one another.

use sqlx::{FromRow, PgConnection, SqliteConnection};

use crate::base::clock::UnixTime;
use crate::domain::{Change, ChangeId, ClientId};
use crate::store::{Store, StoreError, TrustedTime, execute, on_feed};

/// On which Postgres tells the replicas that there are changes. The payload is the schema, for a database may have
/// more than one.
pub(in crate::store) const CHANNEL: &str = "token_server_changes";

const IDS_PER_SECOND: i64 = 1_000_000;

/// An id is a time in microseconds as well, later than all before it: when a database loses its last
/// transactions in a fail-over, what is changed afterwards is still new to those who had read the lost ones.
pub(in crate::store) const NEXT_ID: &str = "
    update change_order
    set last_id = case when last_id < $1 then $1 else last_id + 1 end
    returning last_id";

pub(in crate::store) const INSERT: &str = "
    insert into changes (change_id, kind, client_id)
    values ($1, $2, $3)";

/// Tells of a change on an open transaction of either product, as the last thing it locks but for the trail; its id.
macro_rules! tell {
    ($tx:ident, $change:expr, $now:expr) => {{
        use $crate::store::replication::changes::{Announce, INSERT, NEXT_ID, first_id};
        let (change, now): ($crate::domain::Change, $crate::base::clock::UnixTime) =
            ($change, $now);
        let id: i64 = sqlx::query_scalar(NEXT_ID)
            .bind(first_id(now).0)
            .fetch_one(&mut *$tx)
            .await?;
        sqlx::query(INSERT)
            .bind(id)
            .bind(change.kind())
            .bind(change.client_id().map($crate::domain::ClientId::as_str))
            .execute(&mut *$tx)
            .await?;
        $tx.announce().await?;
        id
    }};
}
pub(in crate::store) use tell;

/// Wakes those who listen, when the transaction commits.
pub(in crate::store) trait Announce {
    async fn announce(&mut self) -> Result<(), sqlx::Error>;
}

impl Announce for PgConnection {
    async fn announce(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("select pg_notify($1, current_schema())")
            .bind(CHANNEL)
            .execute(self)
            .await
            .map(drop)
    }
}

/// SQLite has nobody to wake: other processes read the file every second.
impl Announce for SqliteConnection {
    async fn announce(&mut self) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

/// What follows a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesPage {
    /// In their order, as far as this version knows their kinds.
    pub changes: Vec<Change>,
    /// Up to where one has read now.
    pub last: ChangeId,
    /// Whether nothing followed at that moment.
    pub is_end: bool,
}

impl Store {
    /// The newest change.
    pub async fn last_change(&self) -> Result<ChangeId, StoreError> {
        const SQL: &str = "select coalesce(max(change_id), 0) from changes";
        let last: i64 = on_feed!(self, |pool| sqlx::query_scalar(SQL).fetch_one(pool).await)?;
        Ok(ChangeId(last))
    }

    /// What was changed after this change, `limit` at most. `None` when the change itself is not there any more: then
    /// others that came after it may have gone as well, by their age, or in a fail-over that lost the last commits.
    pub async fn list_changes(
        &self,
        after: ChangeId,
        limit: u32,
    ) -> Result<Option<ChangesPage>, StoreError> {
        const SQL: &str = "
            select change_id, kind, client_id
            from changes
            where change_id >= $1
            order by change_id
            limit $2";
        let rows: Vec<Row> = on_feed!(self, |pool| sqlx::query_as(SQL)
            .bind(after.0)
            .bind(i64::from(limit) + 1)
            .fetch_all(pool)
            .await)?;
        let Some((first, new)) = rows.split_first() else {
            return Ok(None);
        };
        if first.change_id != after.0 {
            return Ok(None);
        }
        let mut changes = Vec::new();
        for row in new {
            let id = row.client_id.as_deref().map(ClientId::parse).transpose()?;
            changes.extend(Change::from_parts(&row.kind, id));
        }
        Ok(Some(ChangesPage {
            changes,
            last: new.last().map_or(after, |row| ChangeId(row.change_id)),
            is_end: new.len() < limit as usize,
        }))
    }

    /// Removes changes of before `end`, the oldest first and never the newest of all; how many, `limit` at most, so
    /// that no statement runs for long.
    pub async fn delete_changes(&self, end: TrustedTime, limit: u32) -> Result<u64, StoreError> {
        const SQL: &str = "
            delete from changes
            where change_id in (
                select change_id
                from changes
                where change_id < $1 and change_id < (select max(change_id) from changes)
                order by change_id
                limit $2)";
        Ok(execute!(
            self,
            SQL,
            first_id(end.time()).0,
            i64::from(limit)
        )?)
    }
}

/// The least id of a change at this time.
pub(in crate::store) fn first_id(now: UnixTime) -> ChangeId {
    ChangeId(now.0.saturating_mul(IDS_PER_SECOND))
}

#[derive(FromRow)]
struct Row {
    change_id: i64,
    kind: String,
    client_id: Option<String>,
}
