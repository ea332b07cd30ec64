//! Owns what is counted of the database: its connections, and how long calls wait for one and take.

use std::time::Duration;

use tracing::Instrument;
use tracing::instrument::Instrumented;

use crate::base::metrics::{Counter, Distribution, Histogram};
use crate::base::tracing_span::{TARGET, within_request};
use crate::store::{Pool, Store};

/// What is counted of calls.
#[derive(Debug, Default)]
pub(in crate::store) struct Calls {
    pub(in crate::store) waited: Histogram,
    pub(in crate::store) took: Histogram,
    pub(in crate::store) unconnected: Counter,
    pub(in crate::store) pool_exhausted: Counter,
    pub(in crate::store) late: Counter,
}

/// What was counted of calls up to a moment.
#[derive(Clone, Copy, Debug)]
pub struct CallFigures {
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
}

/// The connections of one pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolFigures {
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
            Err(sqlx::Error::PoolTimedOut) => self.pool_exhausted.count(),
            Err(_) => self.unconnected.count(),
        }
        acquired
    }
}

/// Does it in a span of its own, where a request is traced.
pub(in crate::store) fn in_span<F: Future>(store: &Store, call: F) -> Instrumented<F> {
    let product = match store.pool {
        Pool::Postgres(_) => "postgresql",
        Pool::Sqlite(_) => "sqlite",
    };
    call.instrument(within_request(|| {
        tracing::debug_span!(
            target: TARGET, "database", otel.kind = "client", db.system.name = product
        )
    }))
}

impl Store {
    /// The connections for requests, and the one of the change feed.
    pub fn pools(&self) -> [PoolFigures; 2] {
        [self.pool.figures("requests"), self.feed.figures("feed")]
    }

    /// What was counted of calls.
    pub fn calls(&self) -> CallFigures {
        let calls = &self.calls;
        CallFigures {
            waited: calls.waited.read(),
            took: calls.took.read(),
            unconnected: calls.unconnected.value(),
            pool_exhausted: calls.pool_exhausted.value(),
            late: calls.late.value(),
        }
    }
}

impl Pool {
    fn figures(&self, name: &'static str) -> PoolFigures {
        let (open, idle, limit) = match self {
            Self::Postgres(pool) => (
                pool.size(),
                pool.num_idle(),
                pool.options().get_max_connections(),
            ),
            Self::Sqlite(pool) => (
                pool.size(),
                pool.num_idle(),
                pool.options().get_max_connections(),
            ),
        };
        PoolFigures {
            name,
            open,
            idle: u32::try_from(idle).unwrap_or(u32::MAX),
            limit,
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
}
