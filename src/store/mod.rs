//! The only place with SQL. Owns the connection pool, the migrations and the rows.
//! Knows `domain`; no HTTP, no JWT.
//!
//! One SQL serves Postgres and SQLite: [`on_pool!`] and [`in_transaction!`] write the same expression
//! out once for each. The conformance suite (`tests/it/store`) runs on both.

mod admin_sessions;
mod admins;
mod audit;
mod audit_chain;
mod audit_log;
mod clients;
mod connect;
mod error;
mod keys;
mod migrations;
mod revocations;
mod secrets;
mod usage;
mod usage_rows;
mod used_values;

use std::sync::Arc;

use sqlx::{PgPool, SqlitePool};

pub use admin_sessions::{RenewedSession, SessionRecord};
pub use admins::{AdminChanged, AdminChanges, AdminRecord};
pub use audit::{AuditFilter, AuditPage};
pub use audit_chain::{AuditChain, AuditKeys, ChainBreak, ChainLink, ChainWalk, ChainedEvent};
pub use clients::ClientsPage;
pub use connect::DatabaseOptions;
pub use error::StoreError;
pub use keys::KeyChanges;
pub use revocations::ClientRevoked;
pub use secrets::SecretAdded;
pub use usage::UsageOrder;
pub use usage_rows::UsageRows;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    audit_keys: Arc<AuditKeys>,
}

#[derive(Clone, Debug)]
enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

/// Runs one expression on whichever pool there is.
macro_rules! on_pool {
    ($store:expr, |$pool:ident| $body:expr) => {
        match &$store.pool {
            $crate::store::Pool::Postgres($pool) => $body,
            $crate::store::Pool::Sqlite($pool) => $body,
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

/// Runs a block in a transaction: committed when the block ends, rolled back by an early `?`.
///
/// On SQLite it is `BEGIN IMMEDIATE`: a plain `BEGIN` that reads and then writes fails under
/// contention instead of waiting. Inside, use `tx` only: asking the pool again could wait for ever.
macro_rules! in_transaction {
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
use in_transaction;

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
        on_pool!(self, |pool| pool.close().await);
    }
}
