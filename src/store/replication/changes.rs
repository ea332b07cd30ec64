//! Owns the rows of `changes` and their order: what replicas have to be told of.
//!
//! A change takes its id by updating the one row of `change_order` and holds that row's lock until it commits. So
//! ids become visible in their order, and who has read up to an id has missed nothing. To be the last thing a
//! transaction locks, but for the head of the audit trail: then no two wait for one another.

use crate::base::clock::UnixTime;
use crate::domain::{Change, ChangeId, ClientId};
use crate::store::db::conn::Tx;
use crate::store::db::query::{ToValue, query};
use crate::store::db::row::Row;
use crate::store::{Store, StoreError, TrustedTime};

/// On which Postgres tells the replicas that there are changes. The payload is the schema, for a database may have
/// more than one.
pub(in crate::store) const CHANNEL: &str = "token_server_changes";

const IDS_PER_SECOND: i64 = 1_000_000;

/// Appends a change, as the last thing that the transaction locks but for the trail; its id. When the transaction
/// commits, replicas that listen wake.
///
/// An id is a time in microseconds as well, later than all before it: when a database loses its last transactions in a
/// fail-over, what is changed afterwards is still new to those who had read the lost ones.
pub(in crate::store) async fn append_change(
    tx: &mut Tx<'_>,
    change: Change,
    now: UnixTime,
) -> Result<i64, StoreError> {
    const NEXT_ID: &str = "
        update change_order
        set last_id = case when last_id < $1 then $1 else last_id + 1 end
        returning last_id";
    const INSERT: &str = "
        insert into changes (change_id, kind, client_id)
        values ($1, $2, $3)";
    const INSERT_AND_NOTIFY: &str = "
        insert into changes (change_id, kind, client_id)
        values ($1, $2, $3)
        returning pg_notify($4, current_schema())";
    let id: i64 = tx
        .fetch_one(NEXT_ID, &[&first_id(now).0], |row| row.get(0))
        .await?;
    let (kind, client_id) = (change.kind(), change.client_id().map(ClientId::as_str));
    // SQLite has no listeners to wake: other processes read the file every second.
    if tx.is_postgres() {
        let values: [&dyn ToValue; 4] = [&id, &kind, &client_id, &CHANNEL];
        tx.execute(INSERT_AND_NOTIFY, &values).await?;
    } else {
        tx.execute(INSERT, &[&id, &kind, &client_id]).await?;
    }
    Ok(id)
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
        let mut feed = self.acquire_feed().await?;
        let last = query(SQL).fetch_one(&mut feed, |row| row.get(0)).await?;
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
        let rows = query(SQL)
            .bind(&[&after.0, &(i64::from(limit) + 1)])
            .fetch_all(&mut self.acquire_feed().await?, read_change)
            .await?;
        let Some(((first, _), new)) = rows.split_first() else {
            return Ok(None);
        };
        if *first != after {
            return Ok(None);
        }
        Ok(Some(ChangesPage {
            changes: new
                .iter()
                .filter_map(|(_, change)| change.clone())
                .collect(),
            last: new.last().map_or(after, |(id, _)| *id),
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
        self.execute(SQL, &[&first_id(end.time()).0, &limit]).await
    }
}

/// The least id of a change at this time.
pub(in crate::store) fn first_id(now: UnixTime) -> ChangeId {
    ChangeId(now.0.saturating_mul(IDS_PER_SECOND))
}

/// A change and its id; no change where this version does not know its kind.
fn read_change(row: &Row) -> Result<(ChangeId, Option<Change>), StoreError> {
    let client_id = row.parse_optional("client_id")?;
    let change = Change::from_parts(row.get("kind")?, client_id);
    Ok((ChangeId(row.get("change_id")?), change))
}
