//! Doubts this machine's clock: compares it with the database's, which all replicas share, with the clock that counts
//! sleep, and with the newest row. A replica with a wrong clock issues tokens that others refuse, so it is not ready; and
//! what it would remove, rotate or end by time stays until the clock is right.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::app::core::Core;
use crate::app::error::{Error, Result};
use crate::jwt::LEEWAY;
use crate::store::{CLOCK_TOLERANCE, ClockDoubt, ClockReading, TrustedTime};

/// What the last comparison showed.
#[derive(Debug, Default)]
pub(crate) struct ClockGuard {
    /// Seconds by which this machine's clock was last seen to be ahead; negative when it is behind.
    difference: AtomicI64,
    holds_back: AtomicBool,
}

impl ClockGuard {
    pub(crate) fn difference(&self) -> i64 {
        self.difference.load(Ordering::Relaxed)
    }

    /// Whether removals were held back when the clock was last compared.
    pub(crate) fn holds_back(&self) -> bool {
        self.holds_back.load(Ordering::Relaxed)
    }
}

impl Core {
    /// Asks the database for its time and its newest row.
    pub async fn compare_clocks(&self) -> Result<()> {
        self.read_clock().await.map(drop)
    }

    /// The time by which to remove, rotate or end stored things. Asked anew each time; fails when the clock may be wrong.
    pub async fn trusted_time(&self) -> Result<TrustedTime> {
        self.read_clock().await?.trusted().map_err(held_back)
    }

    pub(crate) async fn read_clock(&self) -> Result<ClockReading> {
        let reading = self.store.read_clock(&self.clock).await?;
        if let Some(seconds) = reading.difference() {
            self.note_clock_difference(seconds);
        }
        self.note_clock_doubt(reading.trusted().err());
        Ok(reading)
    }

    /// Whether the clock may be wrong, without asking the database: by the last comparison, or by a jump since.
    pub(crate) fn doubts_clock(&self) -> bool {
        self.clock_guard.holds_back() || self.clock.jumped_by().abs() > CLOCK_TOLERANCE
    }

    /// Remembers by how many seconds this clock is ahead, and logs when that begins to matter and when it ceases to.
    pub fn note_clock_difference(&self, seconds: i64) {
        let before = self.clock_guard.difference.swap(seconds, Ordering::Relaxed);
        let matters = |seconds: i64| seconds.abs() > LEEWAY;
        match (matters(before), matters(seconds)) {
            (false, true) => tracing::error!(
                "this machine's clock differs from the database's by {seconds} s: other replicas refuse tokens of this one"
            ),
            (true, false) => {
                tracing::info!("this machine's clock agrees with the database's again");
            }
            (true, true) | (false, false) => {}
        }
    }

    fn note_clock_doubt(&self, doubt: Option<ClockDoubt>) {
        let held_back = &self.clock_guard.holds_back;
        match (held_back.swap(doubt.is_some(), Ordering::Relaxed), doubt) {
            (false, Some(doubt)) => tracing::error!(
                "nothing is removed, rotated or ended by time from now on, because the clock may be wrong: {doubt}"
            ),
            (true, None) => {
                tracing::info!(
                    "the clock is trusted again: what is due is removed, rotated and ended"
                );
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Fails when the clock is too far from the database's.
    pub(crate) fn check_clock(&self) -> Result<()> {
        let seconds = self.clock_guard.difference();
        if seconds.abs() <= self.config.feed.max_clock_difference {
            return Ok(());
        }
        Err(Error::temporarily_unavailable(format!(
            "the clock of this replica differs from the database's by {seconds} s"
        )))
    }
}

/// The error of whoever needs a trusted time while there is none.
pub(crate) fn held_back(doubt: ClockDoubt) -> Error {
    Error::temporarily_unavailable(format!(
        "nothing is removed, rotated or ended by time while the clock may be wrong: {doubt}"
    ))
}
