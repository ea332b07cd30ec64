//! The only place with SQL. Owns the connection pool, the migrations and the rows.
//! Knows `domain`; no HTTP, no JWT.
//!
//! One SQL serves Postgres and SQLite: [`on_pool!`] and [`in_transaction!`] write the same expression
//! out once for each. The conformance suite (`tests/it/store`) runs on both.

mod acme;
mod admins;
mod audit;
mod clients;
mod db;
mod idempotency;
mod keys;
mod replication;
mod secrets;
mod single_use;
mod tokens;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgPool, SqlitePool};

pub use crate::domain::audit::chain::{
    Acceptance, AuditChain, AuditHead, ChainBreak, ChainLink, ChainedEvent,
};
pub use crate::domain::audit::keys::{AuditKeys, HeadKey};
pub use crate::domain::audit::walk::ChainWalk;
pub use acme::{AcmeFailure, AcmeLease};
pub use admins::accounts::{AdminChanged, AdminChanges, AdminRecord};
pub use admins::passkeys::{PasskeyChange, PasskeyRecord};
pub use admins::sessions::{RenewedSession, SessionRecord};
pub use audit::head::AuditEnd;
pub use audit::read::{AuditFilter, AuditPage};
pub use clients::bulk_write::{ClientWrite, ClientWritten, IfTaken, WriteActions, WrittenClients};
pub use clients::list::{ClientFilter, ClientsOrder, ClientsPart, ClientsPlace};
pub use clients::write::{ClientChanged, ClientInserted, ClientsPage};
pub use db::connect::DatabaseOptions;
pub use db::database_time::{CLOCK_TOLERANCE, ClockDoubt, ClockReading, TrustedTime};
pub use db::error::StoreError;
pub use db::metrics::{CallFigures, PoolFigures};
pub use idempotency::RememberedAnswer;
pub use keys::KeyChanges;
pub use replication::changes::ChangesPage;
pub use replication::listener::ChangeListener;
pub use secrets::write::SecretAdded;
pub use tokens::ClientRevoked;
pub use usage::add::UsageRows;
pub use usage::read::UsageOrder;

use db::metrics::Calls;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    /// A connection beside the pool's, for the change feed: it must not wait in the line of the requests.
    feed: Pool,
    /// When a call is given up that a frozen database, or one cut off without a word, never answers: later than it
    /// would say itself that the call took too long.
    deadline: Duration,
    audit_keys: Arc<AuditKeys>,
    calls: Arc<Calls>,
}

#[derive(Clone, Debug)]
enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

/// Runs one call on whichever pool there is, within the deadline.
macro_rules! on_pool {
    ($store:expr, |$pool:ident| $call:expr) => {
        $crate::store::on_connection!($store, pool, |$pool| $call)
    };
}
use on_pool;

/// The same on the connection of the change feed.
macro_rules! on_feed {
    ($store:expr, |$pool:ident| $call:expr) => {
        $crate::store::on_connection!($store, feed, |$pool| $call)
    };
}
use on_feed;

/// Runs a call on a connection of the pool in this field. It is in a box, since it is large and would else be a part
/// of each request that may come to need it. A connection that did not answer is closed: who used it next would wait too.
macro_rules! on_connection {
    ($store:expr, $field:ident, |$connection:ident| $call:expr) => {
        match &$store.$field {
            $crate::store::Pool::Postgres(pool) => {
                $crate::store::within_deadline!($store, pool, |$connection| $call)
            }
            $crate::store::Pool::Sqlite(pool) => {
                $crate::store::within_deadline!($store, pool, |$connection| $call)
            }
        }
    };
}
use on_connection;

macro_rules! within_deadline {
    ($store:expr, $pool:ident, |$connection:ident| $call:expr) => {
        Box::pin($crate::store::db::metrics::in_span($store, async {
            let (asked, calls) = ($crate::base::clock::Stopwatch::start(), &$store.calls);
            let acquired = $pool.acquire().await;
            let mut pooled = calls.acquired(acquired, asked.elapsed())?;
            let begun = $crate::base::clock::Stopwatch::start();
            let called = tokio::time::timeout($store.deadline, async {
                let $connection = &mut *pooled;
                $call
            });
            let called = called.await;
            calls.took.observe(begun.elapsed());
            match called {
                Ok(done) => done,
                Err(late) => {
                    calls.late.count();
                    pooled.close_on_drop();
                    Err(sqlx::Error::Io(late.into()).into())
                }
            }
        }))
        .await
    };
}
use within_deadline;

/// Runs one statement, its values bound in their order; how many rows it touched.
macro_rules! execute {
    ($store:expr, $sql:expr $(, $value:expr)+ $(,)?) => {
        $crate::store::on_pool!($store, |pool| sqlx::query($sql)
            $(.bind($value))+
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))
    };
}
use execute;

/// Runs a block in a transaction, within the deadline: committed when the block ends, rolled back by an early `?`.
///
/// On SQLite it is `BEGIN IMMEDIATE`: a plain `BEGIN` that reads and then writes fails under
/// contention instead of waiting. Inside, use `tx` only: asking the pool again could wait for ever.
macro_rules! in_transaction {
    ($store:expr, |$tx:ident| $body:block) => {
        match &$store.pool {
            $crate::store::Pool::Postgres(pool) => {
                $crate::store::within_deadline!($store, pool, |connection| {
                    let begun = sqlx::Connection::begin(connection);
                    $crate::store::commit!(begun, |$tx| $body)
                })
            }
            $crate::store::Pool::Sqlite(pool) => {
                $crate::store::within_deadline!($store, pool, |connection| {
                    let begun = sqlx::Connection::begin_with(connection, "begin immediate");
                    $crate::store::commit!(begun, |$tx| $body)
                })
            }
        }
    };
}
use in_transaction;

/// The same without a deadline, for what may take minutes.
macro_rules! in_long_transaction {
    ($store:expr, |$tx:ident| $body:block) => {
        match &$store.pool {
            $crate::store::Pool::Postgres(pool) => {
                $crate::store::commit!(pool.begin(), |$tx| $body)
            }
            $crate::store::Pool::Sqlite(pool) => {
                $crate::store::commit!(pool.begin_with("begin immediate"), |$tx| $body)
            }
        }
    };
}
use in_long_transaction;

macro_rules! commit {
    ($begun:expr, |$tx:ident| $body:block) => {{
        let mut $tx = $begun.await?;
        let value = $body;
        $tx.commit().await?;
        Ok(value)
    }};
}
use commit;

/// `($1, $2), ($3, $4)`: the places of many rows in one statement.
fn placeholders(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns)
            .map(|column| format!("${}", row * columns + column))
            .collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

impl Store {
    /// The same for a caller with more patience than a request has. On Postgres a statement takes no longer for it.
    #[must_use]
    pub fn patient(&self, deadline: Duration) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), StoreError> {
        on_pool!(self, |pool| sqlx::query("select 1")
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
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
        for pool in [&self.feed, &self.pool] {
            match pool {
                Pool::Postgres(pool) => pool.close().await,
                Pool::Sqlite(pool) => pool.close().await,
            }
        }
    }
}
