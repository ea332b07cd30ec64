//! Owns how a transaction ends that has changed something: it appends an event of what was done to `audit_events`, tells
//! the replicas in `changes`, and commits.
//!
//! To be the last thing that a transaction does, since it locks the row that all others wait for.

use crate::base::clock::UnixTime;
use crate::domain::audit::chain::{AuditHead, ChainedEvent};
use crate::domain::audit::keys::HeadKey;
use crate::domain::{AuditEvent, Change, NewEvent, Revocation, RevocationId, Stamp};
use crate::store::audit::head_row::{Chained, Head, lock_head, move_head};
use crate::store::db::{Conn, Pool, Tx};
use crate::store::replication::changes::{ChangeRow, next_id};
use crate::store::tokens::queue::TokenRevocation;
use crate::store::{Result, Store, StoreError};

/// How often a statement that is a transaction by itself is tried, before one is begun, which holds the lock.
const TRIES: usize = 3;

#[derive(Debug)]
pub(in crate::store) struct Appends<'a> {
    /// What the replicas have to know.
    pub(in crate::store) changes: Vec<Change>,
    /// What was done. Without any, nobody asks whether the end of the trail is authentic.
    pub(in crate::store) events: Vec<(Stamp<'a>, NewEvent)>,
    /// Revocations, which get their ids now. The replicas have to know each.
    pub(in crate::store) revocations: Vec<Revocation>,
    pub(in crate::store) at: UnixTime,
}

impl<'a> Appends<'a> {
    fn new(stamp: Stamp<'a>, changes: Vec<Change>, events: Vec<NewEvent>) -> Self {
        let events = events.into_iter().map(|event| (stamp, event));
        Self {
            changes,
            events: events.collect(),
            revocations: Vec::new(),
            at: stamp.at,
        }
    }

    /// Revocations of single tokens, with their events.
    pub(in crate::store) fn of_revocations(revocations: &[&'a TokenRevocation]) -> Self {
        let events = revocations.iter().filter_map(|it| {
            let (by, event) = it.event()?;
            Some((by.at(it.revoked_at), event))
        });
        let latest = revocations.iter().map(|it| it.revoked_at).max();
        Self {
            changes: Vec::new(),
            events: events.collect(),
            revocations: revocations.iter().map(|it| it.revocation()).collect(),
            at: latest.unwrap_or(UnixTime(0)),
        }
    }

    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.events.is_empty() && self.revocations.is_empty()
    }
}

impl Store {
    /// Ends a transaction that has changed what replicas remember: tells them, and appends what was done. It tells them of a
    /// change that is no event as well.
    pub(in crate::store) async fn commit_changes(
        &self,
        tx: Tx<'_>,
        stamp: Stamp<'_>,
        changes: Vec<Change>,
        events: Vec<NewEvent>,
    ) -> Result<()> {
        let appends = Appends::new(stamp, changes, events);
        self.commit_appends(tx, &appends).await.map(drop)
    }

    /// Ends a transaction whose change replicas need to know only if there is an event of it: without one it tells nobody.
    pub(in crate::store) async fn commit_change_if_recorded(
        &self,
        tx: Tx<'_>,
        stamp: Stamp<'_>,
        change: Change,
        events: Vec<NewEvent>,
    ) -> Result<()> {
        if events.is_empty() {
            return tx.commit().await;
        }
        self.commit_changes(tx, stamp, vec![change], events).await
    }

    pub(in crate::store) async fn commit_event(
        &self,
        tx: Tx<'_>,
        stamp: Stamp<'_>,
        event: NewEvent,
    ) -> Result<()> {
        let events = vec![event];
        self.commit_changes(tx, stamp, Vec::new(), events).await
    }

    /// Ends a transaction that has changed what replicas remember and is no event.
    pub(in crate::store) async fn commit_unrecorded(
        &self,
        tx: Tx<'_>,
        change: Change,
        at: UnixTime,
    ) -> Result<()> {
        let appends = Appends {
            changes: vec![change],
            events: Vec::new(),
            revocations: Vec::new(),
            at,
        };
        self.commit_appends(tx, &appends).await.map(drop)
    }

    /// Ends a transaction that has raised generations, and may have changed more of what replicas remember; the revocations
    /// with their ids.
    pub(in crate::store) async fn commit_revocations(
        &self,
        tx: Tx<'_>,
        stamp: Stamp<'_>,
        revocations: Vec<Revocation>,
        changes: Vec<Change>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Revocation>> {
        let appends = Appends {
            revocations,
            ..Appends::new(stamp, changes, events)
        };
        self.commit_appends(tx, &appends).await
    }

    /// Ends a transaction; the revocations of it, with their ids.
    pub(in crate::store) async fn commit_appends(
        &self,
        mut tx: Tx<'_>,
        appends: &Appends<'_>,
    ) -> Result<Vec<Revocation>> {
        let revocations = if appends.is_empty() {
            Vec::new()
        } else {
            self.append(&mut tx, appends).await?
        };
        tx.commit().await?;
        Ok(revocations)
    }

    /// Appends an event in a transaction of its own: what is no change of a row, such as that somebody logged in or could not,
    /// or took something away.
    pub async fn insert_audit_event(&self, event: NewEvent, stamp: Stamp<'_>) -> Result<()> {
        let appends = Appends::new(stamp, Vec::new(), vec![event]);
        let mut conn = self.acquire().await?;
        if self.append_at_once(&mut conn, &appends).await? {
            return Ok(());
        }
        let tx = conn.begin().await?;
        self.commit_appends(tx, &appends).await.map(drop)
    }

    /// Appends by a statement that is a transaction by itself. False, and nothing is done, where the database has no such
    /// statement, where the head is not known yet, or where other replicas are quicker each time.
    pub(in crate::store) async fn append_at_once(
        &self,
        conn: &mut Conn,
        appends: &Appends<'_>,
    ) -> Result<bool> {
        if !matches!(self.pool, Pool::Postgres(_)) {
            return Ok(false);
        }
        let Some(mut known) = self.head.turn().await else {
            return Ok(false);
        };
        for _ in 0..TRIES {
            let Some(head) = &*known else {
                return Ok(false);
            };
            let chained = self.chain(head, appends)?;
            let Some(newest) = move_head(conn, head, &chained).await? else {
                self.calls.guard.note_commit(chained.head.last_change);
                self.calls.listening.tell(&chained.events);
                *known = self.authentic(chained.head);
                return Ok(true);
            };
            self.calls.lost_races.inc();
            *known = self.authentic(newest);
        }
        Ok(false)
    }

    /// Appends behind the head, which has to be authentic where there are events. Where it is under `SECRET_PREVIOUS`, an
    /// event that names it comes first.
    ///
    /// On Postgres the head is first taken to be where this replica last left it, also by a transaction that is not
    /// committed yet: this one then waits for that one. If that one fails, or another replica was quicker, the head is
    /// another one. By then this transaction has the lock, and so loses once at most.
    async fn append(&self, tx: &mut Tx<'_>, appends: &Appends<'_>) -> Result<Vec<Revocation>> {
        if tx.head.is_some() || !tx.is_postgres() {
            let head = lock_head(tx).await?;
            let chained = self.chain(&head, appends)?;
            return self.move_locked(tx, &head, chained).await;
        }
        let mut turn = self.head.turn().await;
        let known = turn.as_deref().cloned().flatten();
        let head = match known {
            Some(head) => head,
            None => lock_head(tx).await?,
        };
        let chained = self.chain(&head, appends)?;
        let appended = match move_head(tx, &head, &chained).await? {
            None => chained,
            Some(newest) => {
                self.calls.lost_races.inc();
                let chained = self.chain(&newest, appends)?;
                must_move(move_head(tx, &newest, &chained).await?.is_none())?;
                chained
            }
        };
        tx.head = Some(appended.head.clone());
        tx.events.extend(appended.events);
        match &mut turn {
            Some(turn) => **turn = self.authentic(appended.head),
            None => self.head.note(self.authentic(appended.head)),
        }
        Ok(appended.revocations)
    }

    /// Appends an event behind a head that is locked and may be another one than the row says, whether or not it is
    /// authentic.
    pub(in crate::store) async fn append_behind(
        &self,
        tx: &mut Tx<'_>,
        head: AuditHead,
        stamp: Stamp<'_>,
        event: NewEvent,
    ) -> Result<()> {
        let row = lock_head(tx).await?;
        let behind = Head {
            audit: head,
            last_change: row.last_change,
        };
        let appends = Appends::new(stamp, Vec::new(), vec![event]);
        let chained = self.chain_behind(&behind, &appends, None)?;
        self.move_locked(tx, &row, chained).await.map(drop)
    }

    async fn move_locked(
        &self,
        tx: &mut Tx<'_>,
        row: &Head,
        chained: Chained,
    ) -> Result<Vec<Revocation>> {
        must_move(move_head(tx, row, &chained).await?.is_none())?;
        tx.head = Some(chained.head.clone());
        tx.events.extend(chained.events);
        self.head.note(self.authentic(chained.head));
        Ok(chained.revocations)
    }

    /// Only an authentic head is remembered: another one is read again the next time, by when it may be accepted.
    fn authentic(&self, head: Head) -> Option<Head> {
        let is_authentic = self.audit_keys.check_head(&head.audit).is_ok();
        is_authentic.then_some(head)
    }

    pub(in crate::store) fn check_head(&self, head: &AuditHead) -> Result<HeadKey> {
        let checked = self.audit_keys.check_head(head);
        checked.map_err(StoreError::AuditTrail)
    }

    /// What is appended, behind a head that has to be authentic where there are events.
    fn chain(&self, head: &Head, appends: &Appends<'_>) -> Result<Chained> {
        let key_change = match appends.events.first() {
            Some((stamp, _)) if self.check_head(&head.audit)? == HeadKey::Previous => {
                Some((*stamp, head.audit.key_change()))
            }
            Some(_) | None => None,
        };
        self.chain_behind(head, appends, key_change.as_ref())
    }

    /// What is appended, behind any head; `first` comes before all other events.
    fn chain_behind<'a>(
        &self,
        head: &Head,
        appends: &Appends<'a>,
        first: Option<&(Stamp<'a>, NewEvent)>,
    ) -> Result<Chained> {
        let mut head = head.clone();
        let mut changes = Vec::with_capacity(appends.changes.len());
        for change in appends.changes.iter().cloned() {
            head.last_change = next_id(head.last_change, appends.at)?;
            let change_id = head.last_change;
            changes.push(ChangeRow { change_id, change });
        }
        let mut revocations = Vec::with_capacity(appends.revocations.len());
        for revocation in &appends.revocations {
            head.last_change = next_id(head.last_change, revocation.revoked_at)?;
            changes.push(ChangeRow {
                change_id: head.last_change,
                change: Change::Revocation,
            });
            revocations.push(Revocation {
                revocation_id: RevocationId(head.last_change),
                ..revocation.clone()
            });
        }
        let mut events: Vec<ChainedEvent> = Vec::with_capacity(appends.events.len());
        for (stamp, event) in first.into_iter().chain(&appends.events) {
            let event_id = head.audit.link.event_id.checked_add(1).ok_or_else(|| {
                StoreError::AuditTrail(
                    "its last event has the highest number that there is".to_owned(),
                )
            })?;
            let event = AuditEvent::new(event_id, *stamp, event.clone());
            events.push(self.audit_keys.chain(&mut head.audit, event));
        }
        Ok(Chained {
            head,
            changes,
            events,
            revocations,
        })
    }
}

/// Who has the lock cannot be overtaken.
fn must_move(is_moved: bool) -> Result<()> {
    if is_moved {
        return Ok(());
    }
    let what = "`audit_head` does not have one row";
    Err(StoreError::Corrupt(what.to_owned()))
}
