//! Owns how events are added to `audit_events`: in the transaction of the change that they describe.
//!
//! Who appends updates the one row of `audit_head` and holds its lock until the commit, so that the chain has one
//! order. To be the last thing a transaction locks: then no two wait for one another.

use crate::domain::audit::chain::{AuditHead, ChainLink, ChainedEvent};
use crate::domain::audit::keys::{AuditKeys, HeadKey};
use crate::domain::{AuditEvent, Change, ClientId, NewEvent, Stamp};
use crate::store::db::conn::Tx;
use crate::store::db::query::{ToValue, query};
use crate::store::db::row::Row;
use crate::store::replication::changes::append_change;
use crate::store::{Store, StoreError};

/// Rows of one statement: an import of many clients should not hold the lock for long.
const ROWS: usize = 500;

impl Store {
    /// Ends a transaction that has changed a client.
    pub(in crate::store) async fn commit_client_change(
        &self,
        tx: Tx<'_>,
        id: &ClientId,
        event: NewEvent,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        let change = Change::Client(id.clone());
        self.commit_change(tx, stamp, change, vec![event]).await
    }

    /// Ends a transaction that has changed what replicas remember: tells them, and appends what was done, if anything was.
    /// In this order always, for both hold a lock until the commit.
    pub(in crate::store) async fn commit_change(
        &self,
        mut tx: Tx<'_>,
        stamp: Stamp<'_>,
        change: Change,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        if !events.is_empty() {
            append_change(&mut tx, change, stamp.at).await?;
        }
        self.commit_events(tx, stamp, events).await
    }

    /// Ends a transaction with the events of what was done in it.
    pub(in crate::store) async fn commit_events(
        &self,
        mut tx: Tx<'_>,
        stamp: Stamp<'_>,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        self.append_events(&mut tx, stamp, events).await?;
        tx.commit().await
    }

    /// Appends the events behind the head, which has to be authentic. Where it is under `SECRET_PREVIOUS`, an event
    /// that names it comes first.
    pub(in crate::store) async fn append_events(
        &self,
        tx: &mut Tx<'_>,
        stamp: Stamp<'_>,
        mut events: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let head = self.lock_head(tx).await?;
        if self.check_head(&head)? == HeadKey::Previous {
            events.insert(0, head.key_change());
        }
        self.append_behind(tx, head, stamp, events).await
    }

    /// Locks the head and reads it, authentic or not.
    pub(in crate::store) async fn lock_head(
        &self,
        tx: &mut Tx<'_>,
    ) -> Result<AuditHead, StoreError> {
        const LOCK: &str = "
            update audit_head
            set last_id = last_id
            returning last_id as event_id, hash, mac, key_id";
        const CODE: &str = "
            select event_id, hash, mac, key_id
            from audit_events
            where event_id = $1 and hash = $2";
        let head = tx.fetch_one(LOCK, &[], read_head).await?;
        if self.audit_keys.check_head(&head).is_ok() {
            return Ok(head);
        }
        // A release before this one moves the head without its code. The event itself has it.
        let last: [&dyn ToValue; 2] = [&head.link.event_id, &head.link.hash];
        let event = tx.fetch_optional(CODE, &last, read_head).await?;
        Ok(event.unwrap_or(head))
    }

    /// Appends the events behind a head that is locked, whether or not it is authentic.
    pub(in crate::store) async fn append_behind(
        &self,
        tx: &mut Tx<'_>,
        mut head: AuditHead,
        stamp: Stamp<'_>,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        const SET_HEAD: &str =
            "update audit_head set last_id = $1, hash = $2, mac = $3, key_id = $4";
        let rows = chain(&self.audit_keys, &mut head, stamp, events)?;
        for rows in rows.chunks(ROWS) {
            let inserted = insert_events(tx, rows).await;
            inserted.map_err(|error| taken(error, rows))?;
        }
        tx.execute(
            SET_HEAD,
            &[
                &head.link.event_id,
                &head.link.hash,
                &head.mac,
                &head.key_id,
            ],
        )
        .await?;
        Ok(())
    }

    pub(in crate::store) fn check_head(&self, head: &AuditHead) -> Result<HeadKey, StoreError> {
        let checked = self.audit_keys.check_head(head);
        checked.map_err(StoreError::AuditTrail)
    }
}

/// The end of a chain, in the columns `event_id`, `hash`, `mac` and `key_id`.
pub(in crate::store) fn read_head(row: &Row) -> Result<AuditHead, StoreError> {
    Ok(AuditHead {
        link: ChainLink {
            event_id: row.get("event_id")?,
            hash: row.get("hash")?,
        },
        mac: row.get("mac")?,
        key_id: row.get("key_id")?,
    })
}

async fn insert_events(tx: &mut Tx<'_>, rows: &[ChainedEvent]) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type,
            target, client_id, state_before, state_after, hash, mac, key_id)
        values ";
    let mut query = query(SQL);
    query.push_rows(rows.iter().map(|row| {
        let event = &row.event;
        [
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
            row.hash.to_value(),
            row.mac.to_value(),
            row.key_id.to_value(),
        ]
    }));
    query.execute(tx).await?;
    Ok(())
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
fn taken(error: StoreError, rows: &[ChainedEvent]) -> StoreError {
    let ids = rows
        .first()
        .zip(rows.last())
        .map(|(first, last)| (first.event.event_id, last.event.event_id));
    match (error, ids) {
        (StoreError::Conflict, Some((first, last))) => StoreError::AuditTrail(format!(
            "there is an event behind its last one already, with a number from {first} to {last}: somebody set the end \
             of the trail back, or put that event in. Run `token-server audit verify`, find out who, then delete an event \
             that does not belong there, or run `token-server audit accept-head`"
        )),
        (error, _) => error,
    }
}
