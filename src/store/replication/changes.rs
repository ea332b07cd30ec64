//! Owns the rows of `changes` and their order: what replicas have to be told of.
//!
//! A change takes its id from the one row of `audit_head`, whose lock the transaction holds until it commits. So ids
//! become visible in their order, and who has read up to an id has missed nothing.

use uuid::Uuid;

use crate::base::clock::UnixTime;
use crate::domain::{Change, ChangeId, ClientId};
use crate::store::db::{Row, RowsOf, TableRow, ToValue, Value, query, select};
use crate::store::{Result, Store, StoreError, TrustedTime};

/// On which Postgres tells the replicas that there are changes. The payload is the schema, for a database may have
/// more than one.
pub(in crate::store) const CHANNEL: &str = "token_server_changes";

const IDS_PER_SECOND: i64 = 1_000_000;

/// At 200 changes a second their ids are as fast as time.
const MAX_STEP: i64 = 10_000;

#[derive(Debug)]
pub(in crate::store) struct ChangeRow {
    pub(in crate::store) change_id: i64,
    pub(in crate::store) change: Change,
}

impl TableRow for ChangeRow {
    const TABLE: &'static str = "changes";
    const COLUMNS: &'static str = "change_id, kind, client_id";

    fn values(&self) -> Vec<Value<'_>> {
        let client_id = self.change.client_id().map(ClientId::as_str);
        vec![
            self.change_id.to_value(),
            Value::Text(Some(self.change.kind().into())),
            Value::Text(client_id.map(Into::into)),
        ]
    }
}

/// An id that comes after `last`. It is a time in microseconds as well: when a database loses its last transactions in a
/// fail-over, what is changed afterwards is still new to those who had read the lost ones.
pub(in crate::store) fn next_id(last: i64, now: UnixTime) -> Result<i64> {
    let next = last.max(first_id(now).0).checked_add(step());
    next.ok_or_else(|| {
        StoreError::Corrupt("the last change has the highest number that there is".to_owned())
    })
}

/// By how much an id is above the one before: at random, so that a change does not get the id of a lost one of the same
/// second, which a reader would take for its place.
fn step() -> i64 {
    let (_, random) = Uuid::new_v4().as_u64_pair();
    1 + random.cast_signed().rem_euclid(MAX_STEP)
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
    pub async fn last_change(&self) -> Result<ChangeId> {
        const SQL: &str = "select coalesce(max(change_id), 0) from changes";
        let mut feed = self.acquire_feed().await?;
        let last = query(SQL).fetch_one(&mut feed, |row| row.get(0)).await?;
        Ok(ChangeId(last))
    }

    /// What was changed after this change, `limit` at most. `None` when all has to be read anew: when one of them is
    /// damaged, or when the change itself is not there any more. Then others that came after it may have gone as well, by
    /// their age, or in a fail-over that lost the last commits.
    pub async fn list_changes(&self, after: ChangeId, limit: u32) -> Result<Option<ChangesPage>> {
        const REST: &str = "from changes where change_id >= $1 order by change_id limit $2";
        let of = RowsOf::new("changes", "change_id");
        let found = select(&[ChangeRow::COLUMNS], REST)
            .bind(&[&after.0, &(i64::from(limit) + 1)])
            .fetch_readable(&mut self.acquire_feed().await?, of, |row| {
                match row.get::<i64>("change_id")? {
                    // It is read already: here it is only to be there.
                    id if id == after.0 => Ok((after, None)),
                    _ => read_change(row),
                }
            })
            .await?;
        // Of a damaged change nobody can tell what is to be read anew.
        if !found.damaged.is_empty() {
            found.log();
            return Ok(None);
        }
        let new = match found.rows.split_first() {
            Some(((first, _), new)) if *first == after => new,
            Some(_) | None => return Ok(None),
        };
        Ok(Some(ChangesPage {
            changes: new.iter().filter_map(|it| it.1.clone()).collect(),
            last: new.last().map_or(after, |(id, _)| *id),
            is_end: new.len() < limit as usize,
        }))
    }

    /// Removes changes of before `end`, the oldest first and never the newest of all; how many, `limit` at most, so
    /// that no statement runs for long.
    pub async fn delete_changes(&self, end: TrustedTime, limit: u32) -> Result<u64> {
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
fn read_change(row: &Row) -> Result<(ChangeId, Option<Change>)> {
    let client_id = row.parse_optional("client_id")?;
    let change = Change::from_parts(row.get("kind")?, client_id);
    Ok((ChangeId(row.get("change_id")?), change))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_is_later_than_the_last_and_cannot_be_foretold() {
        for last in [0, 7_000_000, 9_000_000] {
            let ids: HashSet<i64> = (0..100)
                .map(|_| next_id(last, UnixTime(7)).unwrap())
                .collect();
            let after = last.max(7_000_000);
            assert!(ids.iter().all(|id| (1..=10_000).contains(&(id - after))));
            assert!(ids.len() > 50, "{ids:?}");
        }
        assert!(next_id(i64::MAX, UnixTime(7)).is_err());
    }
}
