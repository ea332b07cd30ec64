//! Owns how events are added to `audit_events`: in the transaction of the change that they describe.
//!
//! Who appends updates the one row of `audit_head` and holds its lock until the commit, so that the chain has one
//! order. To be the last thing a transaction locks: then no two wait for one another.

use sqlx::AssertSqlSafe;

use crate::domain::audit::chain::{AuditHead, ChainLink, ChainedEvent};
use crate::domain::audit::keys::{AuditKeys, HeadKey};
use crate::domain::{AuditEvent, NewEvent, Stamp};
use crate::store::StoreError;

/// Rows of one statement: an import of many clients should not hold the lock for long.
const ROWS: usize = 500;

const COLUMNS: usize = 15;

/// Adds events to a transaction of one product.
pub(in crate::store) trait AuditLog {
    /// Appends the events behind the head, which has to be authentic. Where it is under `SECRET_PREVIOUS`, an event
    /// that names it comes first.
    async fn append(
        &mut self,
        keys: &AuditKeys,
        stamp: Stamp<'_>,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError>;

    /// Appends the event that names the head, if that is under `SECRET_PREVIOUS`.
    async fn append_key_change(
        &mut self,
        keys: &AuditKeys,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError>;

    /// Locks the head and reads it, authentic or not.
    async fn lock_head(&mut self, keys: &AuditKeys) -> Result<AuditHead, StoreError>;

    /// Appends the events behind a head that is locked, whether or not it is authentic.
    async fn append_to(
        &mut self,
        head: AuditHead,
        keys: &AuditKeys,
        stamp: Stamp<'_>,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError>;

    async fn insert_events(&mut self, rows: &[ChainedEvent]) -> Result<(), sqlx::Error>;
}

macro_rules! audit_log {
    ($connection:ty) => {
        impl AuditLog for $connection {
            async fn append(
                &mut self,
                keys: &AuditKeys,
                stamp: Stamp<'_>,
                mut events: Vec<NewEvent>,
            ) -> Result<(), StoreError> {
                if events.is_empty() {
                    return Ok(());
                }
                let head = self.lock_head(keys).await?;
                if check(keys, &head)? == HeadKey::Previous {
                    events.insert(0, head.key_change());
                }
                self.append_to(head, keys, stamp, events).await
            }

            async fn append_key_change(
                &mut self,
                keys: &AuditKeys,
                stamp: Stamp<'_>,
            ) -> Result<(), StoreError> {
                let head = self.lock_head(keys).await?;
                if check(keys, &head)? != HeadKey::Previous {
                    return Ok(());
                }
                let events = vec![head.key_change()];
                self.append_to(head, keys, stamp, events).await
            }

            async fn lock_head(&mut self, keys: &AuditKeys) -> Result<AuditHead, StoreError> {
                const LOCK: &str = "
                    update audit_head
                    set last_id = last_id
                    returning last_id, hash, mac, key_id";
                const CODE: &str =
                    "select mac, key_id from audit_events where event_id = $1 and hash = $2";
                let (event_id, hash, mac, key_id) =
                    sqlx::query_as(LOCK).fetch_one(&mut *self).await?;
                let link = ChainLink { event_id, hash };
                let head = AuditHead { link, mac, key_id };
                if keys.check_head(&head).is_ok() {
                    return Ok(head);
                }
                // A release before this one moves the head without its code. The event itself has it.
                let code = sqlx::query_as(CODE)
                    .bind(event_id)
                    .bind(&head.link.hash)
                    .fetch_optional(&mut *self)
                    .await?;
                Ok(match code {
                    Some((mac, key_id)) => AuditHead {
                        mac,
                        key_id,
                        ..head
                    },
                    None => head,
                })
            }

            async fn append_to(
                &mut self,
                mut head: AuditHead,
                keys: &AuditKeys,
                stamp: Stamp<'_>,
                events: Vec<NewEvent>,
            ) -> Result<(), StoreError> {
                const SET_HEAD: &str =
                    "update audit_head set last_id = $1, hash = $2, mac = $3, key_id = $4";
                let rows = chain(keys, &mut head, stamp, events)?;
                for rows in rows.chunks(ROWS) {
                    let inserted = self.insert_events(rows).await;
                    inserted.map_err(|error| taken(error, rows))?;
                }
                sqlx::query(SET_HEAD)
                    .bind(head.link.event_id)
                    .bind(&head.link.hash)
                    .bind(&head.mac)
                    .bind(&head.key_id)
                    .execute(&mut *self)
                    .await?;
                Ok(())
            }

            async fn insert_events(&mut self, rows: &[ChainedEvent]) -> Result<(), sqlx::Error> {
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
                query.execute(&mut *self).await.map(drop)
            }
        }
    };
}
audit_log!(sqlx::PgConnection);
audit_log!(sqlx::SqliteConnection);

fn check(keys: &AuditKeys, head: &AuditHead) -> Result<HeadKey, StoreError> {
    keys.check_head(head).map_err(StoreError::AuditTrail)
}

/// The events behind `head`, which becomes the last of them.
fn chain(
    keys: &AuditKeys,
    head: &mut AuditHead,
    stamp: Stamp<'_>,
    events: Vec<NewEvent>,
) -> Result<Vec<ChainedEvent>, StoreError> {
    let chain_one = |new| {
        let id = head.link.event_id.checked_add(1).ok_or_else(|| {
            StoreError::AuditTrail("its last event has the highest number that there is".to_owned())
        })?;
        Ok(keys.chain(head, AuditEvent::new(id, stamp, new)))
    };
    events.into_iter().map(chain_one).collect()
}

/// A number that is taken already is no conflict of the caller's.
fn taken(error: sqlx::Error, rows: &[ChainedEvent]) -> StoreError {
    let ids = rows
        .first()
        .zip(rows.last())
        .map(|(first, last)| (first.event.event_id, last.event.event_id));
    match (error.into(), ids) {
        (StoreError::Conflict, Some((first, last))) => StoreError::AuditTrail(format!(
            "there is an event behind its last one already, with a number from {first} to {last}: somebody set the end \
             of the trail back, or put that event in. Run `token-server audit verify`, find out who, then delete an event \
             that does not belong there, or run `token-server audit accept-head`"
        )),
        (error, _) => error,
    }
}

/// Ends a transaction that has changed what replicas remember: tells them, and appends what was done, if anything was.
/// In this order always, for both hold a lock until the commit.
macro_rules! record {
    ($store:expr, $tx:ident, $stamp:expr, $change:expr, $events:expr) => {{
        use $crate::store::audit::append::AuditLog;
        let (stamp, events): ($crate::domain::Stamp<'_>, Vec<$crate::domain::NewEvent>) =
            ($stamp, $events);
        if !events.is_empty() {
            $crate::store::replication::changes::tell!($tx, $change, stamp.at);
            $tx.append(&$store.audit_keys, stamp, events).await?;
        }
    }};
}
pub(in crate::store) use record;

/// The insertion of so many rows.
fn insert(rows: usize) -> String {
    let mut sql = "
        insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type,
            target, client_id, state_before, state_after, hash, mac, key_id)
        values "
        .to_owned();
    sql += &crate::store::placeholders(rows, COLUMNS);
    sql
}
