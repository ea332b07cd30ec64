//! Owns the one row of `audit_head`, which orders all changes: the last event of the trail and the last change. Each
//! transaction that appends moves it on and holds its lock until the commit, so that ids become visible in their order.
//!
//! On Postgres one statement moves the row, if it is where this replica believes it to be, and inserts what is appended:
//! of the round trips of a transaction the others wait for the last one only, that of its commit. On SQLite the transaction
//! has the file's one write lock.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::domain::Revocation;
use crate::domain::audit::chain::{AuditHead, ChainLink, ChainedEvent};
use crate::store::db::{
    Driver, ROWS, Row, Session, TableRow, ToValue, Tx, Value, insert_from_json, insert_rows,
    json_rows, query,
};
use crate::store::replication::changes::{CHANNEL, ChangeRow};
use crate::store::{Result, StoreError};

/// How long a transaction waits for its turn in this replica. Then it waits at the database, which ends a transaction
/// that is idle for long.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Head {
    pub(in crate::store) audit: AuditHead,
    pub(in crate::store) last_change: i64,
}

/// What is appended, in its place behind a head.
#[derive(Debug)]
pub(in crate::store) struct Chained {
    pub(in crate::store) head: Head,
    pub(in crate::store) changes: Vec<ChangeRow>,
    pub(in crate::store) events: Vec<ChainedEvent>,
    pub(in crate::store) revocations: Vec<Revocation>,
}

/// What this replica knows of the head.
#[derive(Debug, Default)]
pub(in crate::store) struct KnownHead {
    /// Where the last transaction of this replica leaves the head, committed or not yet. Who holds the lock moves the
    /// head next.
    turn: Mutex<Option<Head>>,
}

impl KnownHead {
    /// Waits until it is the caller's turn to move the head; `None`: that takes too long.
    pub(in crate::store) async fn turn(&self) -> Option<MutexGuard<'_, Option<Head>>> {
        timeout(PATIENCE, self.turn.lock()).await.ok()
    }

    /// Notes where a transaction without a turn leaves the head, unless somebody is just moving it.
    pub(in crate::store) fn note(&self, head: Option<Head>) {
        if let Ok(mut known) = self.turn.try_lock() {
            *known = head;
        }
    }
}

/// Locks the row until the end of the transaction and reads it, authentic or not.
pub(in crate::store) async fn lock_head(tx: &mut Tx<'_>) -> Result<Head> {
    const LOCK: &str = "
        update audit_head
        set last_id = last_id
        returning last_id as event_id, hash, mac, key_id, last_change_id";
    if let Some(head) = &tx.head {
        return Ok(head.clone());
    }
    let head = tx.fetch_one(LOCK, &[], read_head_row).await?;
    tx.head = Some(head.clone());
    Ok(head)
}

/// Moves the row on and inserts what is appended. Where the row is not `from`, it does nothing: then `Some` is what the
/// row is, locked if `on` is a transaction.
pub(in crate::store) async fn move_head(
    on: &mut dyn Session,
    from: &Head,
    chained: &Chained,
) -> Result<Option<Head>> {
    let is_postgres = matches!(on.parts().0, Driver::Postgres(_));
    let moved = if is_postgres {
        move_by_one_statement(on, from, chained).await
    } else {
        move_by_steps(on, chained).await.map(|()| None)
    };
    moved.map_err(|error| taken(error, &chained.events))
}

/// The lock comes first and then the comparison: an update that compared by itself would not see, and not wait for, a
/// head that another transaction is about to leave.
static MOVE: LazyLock<String> = LazyLock::new(|| {
    let events = insert_from_json::<ChainedEvent>("moved", "$9");
    let changes = insert_from_json::<ChangeRow>("moved", "$10");
    let revocations = insert_from_json::<Revocation>("moved", "$12");
    format!(
        "
    with head as (
        select last_id as event_id, hash, mac, key_id, last_change_id
        from audit_head
        for update),
    moved as (
        update audit_head
        set last_id = $1, hash = $2, mac = $3, key_id = $4, last_change_id = $5
        from head
        where head.event_id = $6 and head.hash = $7 and head.last_change_id = $8
        returning 1),
    events as ({events}),
    told as ({changes} returning pg_notify($11, current_schema())),
    revoked as ({revocations})
    select head.event_id, head.hash, head.mac, head.key_id, head.last_change_id,
        exists (select 1 from moved) as is_moved, (select count(*) from told) as told
    from head"
    )
});

async fn move_by_one_statement(
    on: &mut dyn Session,
    from: &Head,
    chained: &Chained,
) -> Result<Option<Head>> {
    let (to, from_link) = (&chained.head, &from.audit.link);
    // An import of many clients has more events than one statement may. What is a transaction by itself has fewer.
    let (events, more) = chained.events.split_at(chained.events.len().min(ROWS));
    let events = json_rows(events)?;
    let changes = json_rows(&chained.changes)?;
    let revocations = json_rows(&chained.revocations)?;
    let read = |row: &Row| Ok((row.get::<bool>("is_moved")?, read_head_row(row)?));
    let (is_moved, newest) = query(&MOVE)
        .bind(&[
            &to.audit.link.event_id,
            &to.audit.link.hash,
            &to.audit.mac,
            &to.audit.key_id,
            &to.last_change,
            &from_link.event_id,
            &from_link.hash,
            &from.last_change,
            &events,
            &changes,
            &CHANNEL,
            &revocations,
        ])
        .fetch_one(on, read)
        .await?;
    if !is_moved {
        return Ok(Some(newest));
    }
    insert_rows(on, more).await?;
    Ok(None)
}

async fn move_by_steps(on: &mut dyn Session, chained: &Chained) -> Result<()> {
    const SET: &str =
        "update audit_head set last_id = $1, hash = $2, mac = $3, key_id = $4, last_change_id = $5";
    insert_rows(on, &chained.events).await?;
    insert_rows(on, &chained.changes).await?;
    insert_rows(on, &chained.revocations).await?;
    let to = &chained.head;
    let set = query(SET).bind(&[
        &to.audit.link.event_id,
        &to.audit.link.hash,
        &to.audit.mac,
        &to.audit.key_id,
        &to.last_change,
    ]);
    set.execute(on).await.map(drop)
}

/// The row, in the columns of [`read_head`] and `last_change_id`.
pub(in crate::store) fn read_head_row(row: &Row) -> Result<Head> {
    Ok(Head {
        audit: read_head(row)?,
        last_change: row.get("last_change_id")?,
    })
}

/// The end of a chain, in the columns `event_id`, `hash`, `mac` and `key_id`.
pub(in crate::store) fn read_head(row: &Row) -> Result<AuditHead> {
    Ok(AuditHead {
        link: ChainLink {
            event_id: row.get("event_id")?,
            hash: row.get("hash")?,
        },
        mac: row.get("mac")?,
        key_id: row.get("key_id")?,
    })
}

impl TableRow for ChainedEvent {
    const TABLE: &'static str = "audit_events";

    const COLUMNS: &'static str = "event_id, at, actor_type, actor, source, request_id, action, target_type, target, \
        client_id, state_before, state_after, hash, mac, key_id";

    fn values(&self) -> Vec<Value<'_>> {
        let event = &self.event;
        vec![
            event.event_id.to_value(),
            event.at.to_value(),
            event.actor_type.to_value(),
            event.actor.to_value(),
            event.source.to_value(),
            event.request_id.to_value(),
            event.action.to_value(),
            event.target_type.to_value(),
            event.target.to_value(),
            event.client_id.to_value(),
            event.before.to_value(),
            event.after.to_value(),
            self.hash.to_value(),
            self.mac.to_value(),
            self.key_id.to_value(),
        ]
    }
}

/// A number that is taken already is no conflict of the caller's.
fn taken(error: StoreError, rows: &[ChainedEvent]) -> StoreError {
    let ids = rows
        .first()
        .zip(rows.last())
        .map(|(first, last)| (first.event.event_id, last.event.event_id));
    match (error, ids) {
        (StoreError::Conflict, Some((first, last))) => StoreError::AuditTrail(format!(
            "an event with a number from {first} to {last} already follows its last one: somebody set the end of the \
                trail back, or inserted that event. Run `token-server audit verify`, find out who did it, then delete \
                an event that does not belong there, or run `token-server audit accept-head`"
        )),
        (error, _) => error,
    }
}
