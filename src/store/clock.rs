//! Owns what the row of `installation` says of the clock: when this database was last in use under a clock that was right.
//! Only SQLite needs it, where the database has no clock of its own.

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{Action, NewEvent, Stamp, Target};
use crate::store::replication::installation::no_installation;
use crate::store::{Store, StoreError};

/// What the database knows of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockMark {
    /// When a server last noted that its clock is right; `None`: never.
    pub noted_at: Option<UnixTime>,
    /// The time of the event that was appended last to the audit trail.
    pub last_event_at: Option<UnixTime>,
    /// How often an operator confirmed the clock.
    pub confirmations: i64,
}

impl Store {
    /// Reads what the database knows of the time.
    pub async fn find_clock_mark(&self) -> Result<ClockMark, StoreError> {
        const SQL: &str = "
            select clock_noted_at, clock_confirmations,
                (select at from audit_events order by event_id desc limit 1) as last_event_at
            from installation";
        let mark = self.fetch_optional(SQL, &[], |row| {
            Ok(ClockMark {
                noted_at: row.optional_time("clock_noted_at")?,
                last_event_at: row.optional_time("last_event_at")?,
                confirmations: row.get("clock_confirmations")?,
            })
        });
        mark.await?.ok_or_else(no_installation)
    }

    /// Notes that the clock is right now.
    pub async fn note_clock(&self, now: UnixTime) -> Result<(), StoreError> {
        const SQL: &str = "update installation set clock_noted_at = $1";
        self.execute(SQL, &[&now]).await?;
        Ok(())
    }

    /// Takes over the time of an event that is in the future, so that the events which follow do not hide it.
    pub async fn note_future(&self, event_at: UnixTime) -> Result<(), StoreError> {
        const SQL: &str = "
            update installation
            set clock_noted_at = $1
            where clock_noted_at is null or clock_noted_at < $1";
        self.execute(SQL, &[&event_at]).await?;
        Ok(())
    }

    /// Keeps that an operator confirmed the clock, for all processes on this database. `doubt` is what spoke against it.
    pub async fn confirm_clock(
        &self,
        doubt: Option<String>,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update installation
            set clock_noted_at = $1, clock_confirmations = clock_confirmations + 1";
        stamp.by.actor.check_clock_write()?;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        tx.execute(SQL, &[&stamp.at]).await?;
        let event = NewEvent::new(Action::ClockConfirm, Target::Clock)
            .after(json!({ "time": stamp.at.to_string(), "doubt": doubt }));
        self.commit_events(tx, stamp, vec![event]).await
    }
}
