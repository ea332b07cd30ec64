//! Owns what is counted of the database: its connections, and how long calls wait for one and take.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::base::clock::Stopwatch;
use crate::base::metrics::{Counter, Distribution, Histogram};
use crate::store::audit::listener::Listening;
use crate::store::db::guard::{Guard, Suspicion};

/// After so long without use a connection is checked before it is used again.
const IDLE: Duration = Duration::from_secs(30);

/// What is counted of calls.
#[derive(Debug, Default)]
pub(in crate::store) struct Calls {
    pub(in crate::store) waited: Histogram,
    pub(in crate::store) took: Histogram,
    pub(in crate::store) unconnected: Counter,
    pub(in crate::store) pool_exhausted: Counter,
    pub(in crate::store) late: Counter,
    pub(in crate::store) lost_races: Counter,
    pub(in crate::store) guard: Guard,
    pub(in crate::store) suspicion: Suspicion,
    pub(in crate::store) listening: Listening,
    /// When the database last failed to answer.
    failed_at: ArcSwapOption<Stopwatch>,
}

/// What was counted of calls up to a moment.
#[derive(Clone, Copy, Debug)]
pub struct CallMetrics {
    /// How long those that got a connection waited for it.
    pub waited: Distribution,
    /// How long they took then.
    pub took: Distribution,
    /// How many got none because the database refused it.
    pub unconnected: u64,
    /// How many got none in time: all were in use, or the database did not answer.
    pub pool_exhausted: u64,
    /// How many were given up because no answer came.
    pub late: u64,
    /// How often another replica had appended a change meanwhile, so that one was appended anew behind it.
    pub lost_races: u64,
}

/// The connections of one pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolMetrics {
    /// What it is for.
    pub name: &'static str,
    /// Connections that are open.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// The most there may be.
    pub limit: u32,
}

impl Calls {
    /// Counts what became of the wait for a connection.
    pub(in crate::store) fn acquired<T>(
        &self,
        acquired: sqlx::Result<T>,
        waited: Duration,
    ) -> sqlx::Result<T> {
        match &acquired {
            Ok(_) => self.waited.observe(waited),
            Err(sqlx::Error::PoolTimedOut) => self.pool_exhausted.inc(),
            Err(_) => self.unconnected.inc(),
        }
        acquired
    }

    /// Has every connection that is idle now checked before it is used again.
    pub(in crate::store) fn suspect_connections(&self) {
        self.failed_at.store(Some(Arc::new(Stopwatch::start())));
    }

    /// Whether a connection that was idle for so long must be checked before it is used: it may be closed at the other
    /// end. A check costs a round trip.
    pub(in crate::store) fn must_check(&self, idle_for: Duration) -> bool {
        let failed_at = self.failed_at.load();
        idle_for > IDLE
            || failed_at
                .as_ref()
                .is_some_and(|at| at.elapsed() <= idle_for)
    }

    pub(in crate::store) fn read(&self) -> CallMetrics {
        CallMetrics {
            waited: self.waited.read(),
            took: self.took.read(),
            unconnected: self.unconnected.value(),
            pool_exhausted: self.pool_exhausted.value(),
            late: self.late.value(),
            lost_races: self.lost_races.value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exhausted_pool_is_told_from_a_database_that_refuses() {
        let calls = Calls::default();
        let waited = Duration::from_secs(3);

        assert!(calls.acquired(Ok(()), waited).is_ok());
        let _ = calls.acquired::<()>(Err(sqlx::Error::PoolTimedOut), waited);
        let _ = calls.acquired::<()>(Err(sqlx::Error::PoolClosed), waited);

        assert_eq!(calls.waited.read().count(), 1);
        let none = (calls.pool_exhausted.value(), calls.unconnected.value());
        assert_eq!(none, (1, 1));
    }

    #[test]
    fn only_a_connection_that_may_be_dead_is_checked() {
        let calls = Calls::default();
        assert!(!calls.must_check(Duration::from_secs(29)));
        assert!(calls.must_check(Duration::from_secs(31)));

        calls.suspect_connections();
        assert!(calls.must_check(Duration::from_secs(1)));

        std::thread::sleep(Duration::from_millis(2));
        assert!(!calls.must_check(Duration::from_millis(1)));
    }
}
