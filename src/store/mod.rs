//! The only place with SQL. Owns the connection pool, the migrations and the rows.
//! Knows `domain`; no HTTP, no JWT.
//!
//! One SQL serves Postgres and SQLite: [`on_pool!`] and [`in_transaction!`] write the same expression
//! out once for each. The conformance suite (`tests/it/store`) runs on both.

mod changes;
mod clients;
mod connect;
mod error;
mod keys;
mod listener;
mod migrations;
mod revocations;
mod secrets;
mod used_values;

use std::time::Duration;

use sqlx::{PgPool, SqlitePool};

pub use changes::ChangesPage;
pub use clients::ClientsPage;
pub use connect::DatabaseOptions;
pub use error::StoreError;
pub use keys::KeyChanges;
pub use listener::ChangeListener;
pub use revocations::ClientRevoked;
pub use secrets::SecretAdded;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    deadline: Duration,
}

#[derive(Clone, Debug)]
enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

/// Runs one call on whichever pool there is, within the deadline.
macro_rules! on_pool {
    ($store:expr, |$pool:ident| $call:expr) => {
        match &$store.pool {
            $crate::store::Pool::Postgres($pool) => $store.within_deadline(async { $call }).await,
            $crate::store::Pool::Sqlite($pool) => $store.within_deadline(async { $call }).await,
        }
    };
}
use on_pool;

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
        $store
            .within_deadline(async { $crate::store::in_long_transaction!($store, |$tx| $body) })
            .await
    };
}
use in_transaction;

/// The same without a deadline, for what may take minutes.
macro_rules! in_long_transaction {
    ($store:expr, |$tx:ident| $body:block) => {
        match &$store.pool {
            $crate::store::Pool::Postgres(pool) => {
                let mut $tx = pool.begin().await?;
                let value = $body;
                $tx.commit().await?;
                Ok(value)
            }
            $crate::store::Pool::Sqlite(pool) => {
                let mut $tx = pool.begin_with("begin immediate").await?;
                let value = $body;
                $tx.commit().await?;
                Ok(value)
            }
        }
    };
}
use in_long_transaction;

impl Store {
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
        match &self.pool {
            Pool::Postgres(pool) => pool.close().await,
            Pool::Sqlite(pool) => pool.close().await,
        }
    }

    /// Gives a call up that takes longer than waiting for a connection and running a statement may: a database that
    /// is frozen, or cut off without a word, answers nothing at all, not even that it is late.
    fn within_deadline<T, E: From<sqlx::Error>>(
        &self,
        call: impl Future<Output = Result<T, E>> + Send,
    ) -> impl Future<Output = Result<T, E>> + Send {
        // In a box: it is large, and would be a part of each request that may come to need it.
        let timed = tokio::time::timeout(self.deadline, Box::pin(call));
        async move {
            match timed.await {
                Ok(done) => done,
                Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()),
            }
        }
    }
}
