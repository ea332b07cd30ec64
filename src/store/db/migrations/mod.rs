//! Owns the schema's version: the files of `migrations/` are in the binary. sqlx knows the table `_sqlx_migrations`; who
//! migrates, under which limits and what is told meanwhile is decided here.

mod event;
mod files;
mod postgres;
mod sqlite;

use std::collections::HashMap;

pub use event::{MigrationEvent, Place, Tell};
pub use files::Migrations;
pub(in crate::store) use files::list_tables;

use crate::store::db::{Pool, Row, query};
use crate::store::{Result, Store, StoreError};
use files::File;

/// Where sqlx notes what was applied.
const TABLE: &str = "_sqlx_migrations";

/// Versions below this one are of pre-releases, whose migrations are not in the binary.
const FIRST: i64 = 100;

const LIST_APPLIED: &str = "select version, checksum from _sqlx_migrations where success";

impl Store {
    /// Brings the schema up to this version, without the limits of a request. Of several that start together one applies a
    /// migration, and the others wait for it. Fails before it writes anything if
    /// [`list_pending_migrations`](Self::list_pending_migrations) does.
    pub async fn migrate(&self, tell: Tell<'_>) -> Result<()> {
        self.migrate_to(Migrations::released(), tell).await?;
        self.insert_installation().await
    }

    /// Brings the schema up to a version.
    pub async fn migrate_to(&self, migrations: &Migrations, tell: Tell<'_>) -> Result<()> {
        let pending = self.find_pending(migrations).await?;
        if pending.is_empty() {
            return Ok(());
        }
        match &self.pool {
            Pool::Postgres(pool) => postgres::migrate(self, pool, &pending, tell).await,
            Pool::Sqlite(_) => sqlite::migrate(self, &pending, tell).await,
        }
    }

    /// The migrations that this version has and the database has not. Fails if the file of SQLite is not there, if the
    /// database is of a pre-release, or if an applied migration is not the one that this version has. Unknown later migrations are no error: a newer version
    /// may have migrated while this one serves.
    pub async fn list_pending_migrations(&self) -> Result<Vec<String>> {
        let pending = self.find_pending(Migrations::released()).await?;
        Ok(pending.into_iter().map(|file| file.name.clone()).collect())
    }

    async fn find_pending<'m>(&self, migrations: &'m Migrations) -> Result<Vec<&'m File>> {
        if let Some(file) = self.missing_file() {
            return Err(StoreError::MissingFile(file.display().to_string()));
        }
        let applied = self.list_applied_migrations().await?;
        if applied.keys().any(|version| *version < FIRST) {
            return Err(StoreError::PreRelease);
        }
        let mut pending = Vec::new();
        for file in &migrations.list {
            match applied.get(&file.version()) {
                None => pending.push(file),
                Some(checksum) if *checksum == *file.postgres.checksum => {}
                Some(_) => return Err(StoreError::ChangedMigration(file.name.clone())),
            }
        }
        Ok(pending)
    }

    async fn list_applied_migrations(&self) -> Result<HashMap<i64, Vec<u8>>> {
        let mut conn = self.acquire_read().await?;
        let read = |row: &Row| Ok((row.get("version")?, row.get("checksum")?));
        match query(LIST_APPLIED).fetch_all(&mut conn, read).await {
            // A database nobody has migrated yet.
            Err(StoreError::Database(error)) if is_missing_table(&error) => Ok(HashMap::new()),
            applied => Ok(applied?.into_iter().collect()),
        }
    }
}

fn in_order<'m>(pending: &[&'m File]) -> impl Iterator<Item = (Place, &'m File)> {
    let of = pending.len();
    (1..).zip(pending).map(move |(number, file)| {
        let name = file.name.clone();
        (Place { name, number, of }, *file)
    })
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
