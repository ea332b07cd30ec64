//! Owns the schema's version: the files of `migrations/` are in the binary.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::migrate::Migrator;

use crate::store::{Pool, Store, StoreError, on_pool};

static MIGRATIONS: Migrator = sqlx::migrate!();

const LIST_APPLIED: &str = "select version from _sqlx_migrations where success";

/// Losing against every other replica of one machine takes fewer.
const SQLITE_TRIES: u32 = 20;
const SQLITE_PAUSE: Duration = Duration::from_millis(50);

impl Store {
    /// Brings the schema up to this version. Replicas that start together wait for one another
    /// (Postgres: an advisory lock; SQLite: the loser finds a step done or the file locked, and goes on).
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut tries = match &self.pool {
            Pool::Postgres(_) => 1,
            Pool::Sqlite(_) => SQLITE_TRIES,
        };
        loop {
            let run = match &self.pool {
                Pool::Postgres(pool) => MIGRATIONS.run(pool).await,
                Pool::Sqlite(pool) => MIGRATIONS.run(pool).await,
            };
            let Err(error) = run else {
                return Ok(());
            };
            let pending = self.list_pending_migrations().await;
            if pending.is_ok_and(|pending| pending.is_empty()) {
                return Ok(());
            }
            tries -= 1;
            if tries == 0 {
                return Err(StoreError::Migration(error));
            }
            tokio::time::sleep(SQLITE_PAUSE).await;
        }
    }

    /// The migrations that this version has and the database has not.
    pub async fn list_pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let applied: HashSet<i64> = self.list_applied_versions().await?.into_iter().collect();
        Ok(MIGRATIONS
            .iter()
            .filter(|migration| !applied.contains(&migration.version))
            .map(|migration| format!("{:04} {}", migration.version, migration.description))
            .collect())
    }

    async fn list_applied_versions(&self) -> Result<Vec<i64>, StoreError> {
        let listed = on_pool!(self, |pool| sqlx::query_scalar(LIST_APPLIED)
            .fetch_all(pool)
            .await);
        match listed {
            // A database nobody has migrated yet.
            Err(error) if is_missing_table(&error) => Ok(Vec::new()),
            other => Ok(other?),
        }
    }
}

/// Whether the table is not there; any other refusal (no such database, no right to read) is one.
fn is_missing_table(error: &sqlx::Error) -> bool {
    let Some(refusal) = error.as_database_error() else {
        return false;
    };
    // SQLite has no code of its own for it.
    refusal.code().is_some_and(|code| code == "42P01")
        || refusal.message().starts_with("no such table")
}
