//! Owns how events are added to `audit_events`: in the transaction of the change that they describe.
//!
//! Who appends updates the one row of `audit_head` and holds its lock until the commit, so that the chain has one
//! order. To be the last thing a transaction locks: then no two wait for one another.

use sqlx::AssertSqlSafe;

use super::StoreError;
use super::audit_chain::{AuditKeys, ChainLink, ChainedEvent};
use crate::domain::{AuditEvent, NewEvent, Stamp};

/// Rows of one statement: an import of many clients should not hold the lock for long.
const ROWS: usize = 500;

const COLUMNS: usize = 15;

/// Adds events to a transaction of one product.
pub(super) trait AuditLog {
    async fn append(
        &mut self,
        keys: &AuditKeys,
        stamp: Stamp<'_>,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError>;
}

macro_rules! audit_log {
    ($connection:ty) => {
        impl AuditLog for $connection {
            async fn append(
                &mut self,
                keys: &AuditKeys,
                stamp: Stamp<'_>,
                events: Vec<NewEvent>,
            ) -> Result<(), StoreError> {
                const TAKE: &str = "
                    update audit_head
                    set last_id = last_id + $1
                    returning last_id - $1, hash";
                const SET_HASH: &str = "update audit_head set hash = $1";
                let Some(count) = i64::try_from(events.len()).ok().filter(|count| *count > 0)
                else {
                    return Ok(());
                };
                let (event_id, hash) = sqlx::query_as(TAKE)
                    .bind(count)
                    .fetch_one(&mut *self)
                    .await?;
                let mut last = ChainLink { event_id, hash };
                let rows: Vec<ChainedEvent> = events
                    .into_iter()
                    .map(|new| {
                        let event = AuditEvent::new(last.event_id + 1, stamp, new);
                        keys.chain(&mut last, event)
                    })
                    .collect();
                for rows in rows.chunks(ROWS) {
                    let mut query = sqlx::query(AssertSqlSafe(insert(rows.len())));
                    for ChainedEvent {
                        event,
                        hash,
                        mac,
                        key_id,
                    } in rows
                    {
                        query = query
                            .bind(event.event_id)
                            .bind(event.at.0)
                            .bind(&event.actor_type)
                            .bind(&event.actor)
                            .bind(&event.source)
                            .bind(&event.request_id)
                            .bind(&event.action)
                            .bind(&event.target_type)
                            .bind(&event.target)
                            .bind(&event.client_id)
                            .bind(&event.before)
                            .bind(&event.after)
                            .bind(hash)
                            .bind(mac)
                            .bind(key_id);
                    }
                    query.execute(&mut *self).await?;
                }
                sqlx::query(SET_HASH)
                    .bind(&last.hash)
                    .execute(&mut *self)
                    .await?;
                Ok(())
            }
        }
    };
}
audit_log!(sqlx::PgConnection);
audit_log!(sqlx::SqliteConnection);

/// Ends a transaction that has changed what replicas remember: tells them, and appends what was done, if anything was.
/// In this order always, for both hold a lock until the commit.
macro_rules! record {
    ($store:expr, $tx:ident, $stamp:expr, $change:expr, $events:expr) => {{
        use $crate::store::audit_log::AuditLog;
        let (stamp, events): ($crate::domain::Stamp<'_>, Vec<$crate::domain::NewEvent>) =
            ($stamp, $events);
        if !events.is_empty() {
            $crate::store::changes::tell!($tx, $change, stamp.at);
            $tx.append(&$store.audit_keys, stamp, events).await?;
        }
    }};
}
pub(super) use record;

/// The insertion of so many rows.
fn insert(rows: usize) -> String {
    let mut sql = "
        insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type,
            target, client_id, state_before, state_after, hash, mac, key_id)
        values "
        .to_owned();
    sql += &super::placeholders(rows, COLUMNS);
    sql
}
