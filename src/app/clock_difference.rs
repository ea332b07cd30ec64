//! How far this machine's clock is from the database's, which all replicas share. Whose clock is wrong issues tokens that
//! the others call early or late, and that a cut-off of theirs may miss: it is not ready.

use std::sync::atomic::{AtomicI64, Ordering};

use super::App;
use crate::error::{Error, Result};
use crate::token::LEEWAY;

/// Seconds by which this machine's clock was last seen to be ahead; negative when it is behind.
#[derive(Debug, Default)]
pub(super) struct ClockDifference(AtomicI64);

impl ClockDifference {
    pub(super) fn seconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl App {
    /// Asks the database for its time. The time that the question takes is no difference.
    pub async fn compare_clocks(&self) -> Result<()> {
        let before = self.clock.now();
        if let Some(theirs) = self.store.time().await? {
            let ours = theirs.clamp(before, self.clock.now().max(before));
            self.note_clock_difference(ours.since(theirs));
        }
        Ok(())
    }

    /// Keeps by how many seconds this clock is ahead, and says in the log when that begins to matter and when it ceases to.
    pub fn note_clock_difference(&self, seconds: i64) {
        let before = self.clock_difference.0.swap(seconds, Ordering::Relaxed);
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

    /// Fails when the clock is too far from the database's.
    pub(super) fn check_clock(&self) -> Result<()> {
        let seconds = self.clock_difference.seconds();
        if seconds.abs() <= self.config.feed.max_clock_difference {
            return Ok(());
        }
        Err(Error::temporarily_unavailable(format!(
            "the clock of this replica differs from the database's by {seconds} s"
        )))
    }
}
