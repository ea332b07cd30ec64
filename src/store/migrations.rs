//! Owns the schema's version: the files of `migrations/` are in the binary.

use std::collections::HashSet;

use sqlx::migrate::Migrator;

use super::{Store, StoreError, on_pool};

static MIGRATIONS: Migrator = sqlx::migrate!();

const LIST_APPLIED: &str = "select version from _sqlx_migrations where success";

impl Store {
    /// Brings the schema up to this version. Replicas that start together wait for one another
    /// (Postgres: an advisory lock; SQLite: the loser finds the work done).
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match on_pool!(self, |pool| MIGRATIONS.run(pool).await) {
            Ok(()) => Ok(()),
            Err(_)
                if self
                    .list_pending_migrations()
                    .await
                    .is_ok_and(|p| p.is_empty()) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::Migration(error)),
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
