//! Owns the [`Store`]: its pools of connections, and what was counted of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Database, PgPool, SqlitePool};

use crate::store::AuditKeys;
use crate::store::audit::head_row::KnownHead;
use crate::store::db::Calls;
use crate::store::db::connect::url_file::UrlFile;
use crate::store::db::metrics::{CallMetrics, PoolMetrics};
use crate::store::tokens::queue::RevocationQueue;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pub(in crate::store) pool: Pool,
    /// The one connection that writes to a file of SQLite, where `pool` only reads: writers wait for each other, and readers
    /// for none of them. `None`: `pool` writes too.
    pub(in crate::store) writes: Option<Pool>,
    /// A connection beside the pool's, for the change feed: it must not wait in the line of the requests.
    pub(in crate::store) feed: Pool,
    pub(in crate::store) url_file: Option<Arc<UrlFile>>,
    /// When a call is given up that a frozen database, or one cut off without a word, never answers: later than it
    /// would say itself that the call took too long.
    pub(in crate::store) deadline: Duration,
    pub(in crate::store) audit_keys: Arc<AuditKeys>,
    pub(in crate::store) calls: Arc<Calls>,
    pub(in crate::store) head: Arc<KnownHead>,
    pub(in crate::store) revocations: Arc<RevocationQueue>,
}

#[derive(Clone, Debug)]
pub(in crate::store) enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

impl Store {
    /// This store for a caller with more patience than a request has. On Postgres a statement takes no longer for it.
    #[must_use]
    pub fn patient(&self, deadline: Duration) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// The file of SQLite, if it is not there.
    pub fn missing_file(&self) -> Option<&Path> {
        let file = self.calls.guard.file()?.path();
        file.try_exists()
            .is_ok_and(|exists| !exists)
            .then_some(file)
    }

    /// The product behind this store, for people.
    pub fn product(&self) -> &'static str {
        match &self.pool {
            Pool::Postgres(_) => "Postgres",
            Pool::Sqlite(_) => "SQLite",
        }
    }

    /// Closes every connection, once those in use are done.
    pub async fn close(&self) {
        for pool in self.all_pools() {
            match pool {
                Pool::Postgres(pool) => pool.close().await,
                Pool::Sqlite(pool) => pool.close().await,
            }
        }
    }

    pub(in crate::store) fn all_pools(&self) -> impl Iterator<Item = &Pool> {
        let pools = [Some(&self.feed), Some(&self.pool), self.writes.as_ref()];
        pools.into_iter().flatten()
    }

    /// The connections for requests, the one of the change feed, and the one that writes where those of requests do not.
    pub fn pools(&self) -> Vec<PoolMetrics> {
        let pools = [
            Some(self.pool.metrics("requests")),
            Some(self.feed.metrics("feed")),
            self.writes.as_ref().map(|pool| pool.metrics("writes")),
        ];
        pools.into_iter().flatten().collect()
    }

    pub(in crate::store) fn writes(&self) -> &Pool {
        self.writes.as_ref().unwrap_or(&self.pool)
    }

    /// What was counted of calls.
    pub fn calls(&self) -> CallMetrics {
        self.calls.read()
    }
}

impl Pool {
    /// The product's name in traces.
    pub(in crate::store) fn system(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgresql",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Whether the next to ask opens a connection. On Postgres only, where what it needs may have changed.
    pub(in crate::store) fn will_connect(&self) -> bool {
        match self {
            Self::Postgres(pool) => {
                pool.num_idle() == 0 && pool.size() < pool.options().get_max_connections()
            }
            Self::Sqlite(_) => false,
        }
    }

    pub(in crate::store) fn open_connections(&self) -> u32 {
        match self {
            Self::Postgres(pool) => pool.size(),
            Self::Sqlite(pool) => pool.size(),
        }
    }

    fn metrics(&self, name: &'static str) -> PoolMetrics {
        match self {
            Self::Postgres(pool) => metrics(name, pool),
            Self::Sqlite(pool) => metrics(name, pool),
        }
    }
}

fn metrics<DB: Database>(name: &'static str, pool: &sqlx::Pool<DB>) -> PoolMetrics {
    PoolMetrics {
        name,
        open: pool.size(),
        idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
        limit: pool.options().get_max_connections(),
    }
}
