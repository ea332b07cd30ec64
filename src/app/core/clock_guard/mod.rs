//! Doubts the clock, so that a wrong one destroys nothing: what would be removed, rotated or ended by time stays.
//!
//! On Postgres the database's clock counts, which all replicas share. It is doubted when this machine's clock differs from
//! it by more than `MAX_CLOCK_DIFFERENCE`: one of the two is wrong. SQLite has this machine's clock only. It is compared with
//! the clock that counts sleep, and at the start with the newest row; an operator confirms it.

mod doubt;
mod reading;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::core::Core;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::Origin;
use crate::store::{ClockMark, TrustedTime};
use doubt::Process;
pub use doubt::{CLOCK_TOLERANCE, ClockDoubt};
pub(crate) use reading::ClockReading;

/// Milliseconds. A database that takes another time by less was measured less exactly.
const NOTEWORTHY_MOVE: i64 = 1_000;

/// What this process remembers of its clock.
#[derive(Debug, Default)]
pub(crate) struct ClockGuard {
    is_in_doubt: AtomicBool,
    holds_back: AtomicBool,
    differs: AtomicBool,
    is_moving: AtomicBool,
    process: Mutex<Process>,
}

impl ClockGuard {
    /// Whether removals were held back when the clock was last read.
    pub(crate) fn holds_back(&self) -> bool {
        self.holds_back.load(Ordering::Relaxed)
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Measures the database's clock, or doubts this machine's.
    pub async fn compare_clocks(&self) -> Result<()> {
        self.read_clock().await.map(drop)
    }

    /// Compares the clocks, as a server does when it starts and then every ten seconds. On SQLite it notes at the start and each
    /// hour that the clock is right.
    pub async fn watch_clock(&self) -> Result<()> {
        let reading = self.read_clock().await?;
        let steady = self.clock.steady();
        let is_due = self.clock_guard.process().is_note_due(steady);
        if self.store.has_own_clock() || !is_due {
            return Ok(());
        }
        match reading.trusted() {
            Ok(now) => self.store.note_clock(now.time()).await?,
            Err(ClockDoubt::NewestRowAhead(seconds)) => {
                self.store.note_future(reading.now.plus(seconds)).await?;
            }
            Err(_) => return Ok(()),
        }
        self.clock_guard.process().noted_at = Some(steady);
        Ok(())
    }

    /// The time by which to remove, rotate or end stored things. Asked anew each time; fails when the clock may be wrong.
    pub async fn trusted_time(&self) -> Result<TrustedTime> {
        self.read_clock().await?.trusted().map_err(held_back)
    }

    /// What speaks against the clock.
    pub async fn find_clock_doubt(&self) -> Result<Option<ClockDoubt>> {
        Ok(self.read_clock().await?.doubt)
    }

    /// Ends the doubt: an operator says that this machine's clock is right. Other processes learn of it from the database.
    /// The time that was confirmed.
    pub async fn confirm_clock(&self, by: &Origin) -> Result<UnixTime> {
        if self.store.has_own_clock() {
            return Err(Error::invalid_request(
                "the server uses the clock of Postgres: there is nothing to confirm. Set the clock of this machine or \
                    of Postgres",
            ));
        }
        let doubt = self.find_clock_doubt().await?;
        let stamp = self.stamp(by);
        self.store
            .confirm_clock(doubt.map(|doubt| doubt.to_string()), stamp)
            .await?;
        self.compare_clocks().await?;
        Ok(stamp.at)
    }

    pub(crate) async fn read_clock(&self) -> Result<ClockReading> {
        let is_first = self.clock.database_time().is_none();
        let reading = match self.store.measure_clock(&self.clock).await? {
            Some(moved) => {
                self.log_move(if is_first { 0 } else { moved });
                self.log_difference(self.clock_difference());
                self.read_by_database()
            }
            None => self.read_by_machine(&self.store.find_clock_mark().await?),
        };
        self.note_doubt(&reading);
        Ok(reading)
    }

    fn read_by_database(&self) -> ClockReading {
        let (now, difference) = (self.clock.now(), self.clock_difference());
        let differs = difference.abs() > self.config.feed.max_clock_difference;
        let doubt = differs.then_some(ClockDoubt::Differs(difference));
        ClockReading {
            now,
            // While the database's clock is followed back, ours is ahead of it.
            certain: self.clock.database_time().map_or(now, |at| at.min(now)),
            unset: now,
            doubt,
            holds_back: doubt.is_some() && !self.config.development,
        }
    }

    fn read_by_machine(&self, mark: &ClockMark) -> ClockReading {
        let clock = &self.clock;
        let doubt = self.clock_guard.process().judge(mark, clock);
        let now = clock.now();
        ClockReading {
            now,
            certain: now,
            unset: clock.unset(),
            doubt,
            holds_back: doubt.is_some() && !self.config.development,
        }
    }

    /// Whether the clock may be wrong, without asking the database: by the last reading, or by a jump since.
    pub(crate) fn doubts_clock(&self) -> bool {
        let jumps_count = self.clock.database_time().is_none() && !self.config.development;
        self.clock_guard.holds_back()
            || (jumps_count && self.clock.jumped_by().abs() > CLOCK_TOLERANCE)
    }

    /// Seconds by which this machine's clock is ahead of the database's; 0 on SQLite, and before the first measurement.
    pub(crate) fn clock_difference(&self) -> i64 {
        self.clock.ahead_of_database().unwrap_or_default()
    }

    pub(crate) fn check_clock(&self) -> Result<()> {
        let seconds = self.clock_difference();
        if seconds.abs() <= self.config.feed.max_clock_difference {
            return Ok(());
        }
        Err(Error::temporarily_unavailable(format!(
            "the clock of this replica differs from the database's by {seconds} s"
        )))
    }

    fn log_difference(&self, seconds: i64) {
        let differs = seconds.abs() > CLOCK_TOLERANCE;
        if self.clock_guard.differs.swap(differs, Ordering::Relaxed) == differs {
            return;
        }
        if differs {
            tracing::warn!(
                "this machine's clock differs from the database's by {seconds} s: the server uses the database's; set the \
                 wrong one of the two"
            );
        } else {
            tracing::info!("this machine's clock agrees with the database's again");
        }
    }

    /// Logs when the database has another time than was measured before, and when this replica has followed it.
    fn log_move(&self, milliseconds: i64) {
        let moves = milliseconds.abs() > NOTEWORTHY_MOVE;
        let moved_before = self.clock_guard.is_moving.swap(moves, Ordering::Relaxed);
        match (moved_before, moves) {
            (false, true) => tracing::warn!(
                "the database's clock has moved by {} s: this replica follows it, at once if ahead and slowly if back",
                milliseconds / 1_000
            ),
            (true, false) => tracing::info!("this replica has the database's time again"),
            (true, true) | (false, false) => {}
        }
    }

    fn note_doubt(&self, reading: &ClockReading) {
        let guard = &self.clock_guard;
        guard
            .holds_back
            .store(reading.holds_back, Ordering::Relaxed);
        let was_in_doubt = guard
            .is_in_doubt
            .swap(reading.doubt.is_some(), Ordering::Relaxed);
        match (was_in_doubt, reading.doubt) {
            (false, Some(doubt)) if reading.holds_back => tracing::error!(
                "the server removes, rotates and expires nothing by time from now on, because the clock may be wrong: {doubt}"
            ),
            (false, Some(doubt)) => {
                tracing::warn!("the clock may be wrong, which development mode ignores: {doubt}");
            }
            (true, None) => {
                tracing::info!(
                    "the server trusts the clock again: it removes, rotates and expires what is due"
                );
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
}

/// The error of whoever needs a trusted time while there is none.
pub(crate) fn held_back(doubt: ClockDoubt) -> Error {
    Error::temporarily_unavailable(format!(
        "the server removes, rotates and expires nothing by time while the clock may be wrong: {doubt}"
    ))
}
