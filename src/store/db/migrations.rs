//! Owns the schema's version: the files of `migrations/` are in the binary.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::store::db::pool::Pool;
use crate::store::db::query::query;
use crate::store::db::row::Row;
use crate::store::{Store, StoreError};

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../migrations/", $name, ".sql")))),*]
    };
}

/// The names and texts. The text of a released one must not change: each database has the checksum of what was applied.
const FILES: &[(&str, &str)] = files![
    "0100_clients"
    "0101_signing_keys"
    "0102_revocations"
    "0103_replication"
    "0104_audit"
    "0105_usage"
    "0106_admins"
    "0107_idempotency"
    "0108_single_use"
    "0109_acme"
];

/// Versions below this one are of pre-releases, whose migrations are not in the binary.
const FIRST: i64 = 100;

static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| migrator(for_postgres));
static SQLITE: LazyLock<Migrator> = LazyLock::new(|| migrator(str::to_owned));

/// The checksums are of the files, whatever `adapt` makes of them.
fn migrator(adapt: fn(&str) -> String) -> Migrator {
    let migration = |&(name, text): &(&str, &'static str)| {
        let (version, description) = name.split_once('_')?;
        let (version, description) = (version.parse().ok()?, description.replace('_', " "));
        let kind = MigrationType::Simple;
        let mut migration = Migration::new(
            version,
            description.into(),
            kind,
            text.into_sql_str(),
            false,
        );
        migration.sql = AssertSqlSafe(adapt(text)).into_sql_str();
        Some(migration)
    };
    Migrator::with_migrations(FILES.iter().filter_map(migration).collect())
}

/// Begins a line that Postgres leaves out.
const SQLITE_ONLY: &str = "/* SQLite */";

/// Has Postgres compare and sort text columns by bytes, as SQLite does, whatever the collation of the database is.
fn for_postgres(sql: &str) -> String {
    let adapt = |line: &str| {
        let ends_here =
            |rest: &str| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_');
        match line.split_once(" text") {
            Some((before, after)) if !before.contains("--") && ends_here(after) => {
                format!("{before} text collate \"C\"{after}\n")
            }
            Some(_) | None => format!("{line}\n"),
        }
    };
    let lines = sql.lines().filter(|line| !line.starts_with(SQLITE_ONLY));
    lines.map(adapt).collect()
}

const LIST_APPLIED: &str = "select version, checksum from _sqlx_migrations where success";

/// Losing against every other replica of one machine takes fewer.
const SQLITE_TRIES: u32 = 20;
const SQLITE_PAUSE: Duration = Duration::from_millis(50);

impl Store {
    /// Brings the schema up to this version. Replicas that start together wait for one another (Postgres: an advisory
    /// lock; SQLite: the loser finds a step done or the file locked, and tries again). Fails before it writes anything if
    /// [`list_pending_migrations`](Self::list_pending_migrations) does.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut tries = match &self.pool {
            Pool::Postgres(_) => 1,
            Pool::Sqlite(_) => SQLITE_TRIES,
        };
        while !self.list_pending_migrations().await?.is_empty() {
            let run = match self.writes() {
                Pool::Postgres(pool) => POSTGRES.run(pool).await,
                Pool::Sqlite(pool) => SQLITE.run(pool).await,
            };
            let Err(error) = run else {
                return Ok(());
            };
            tries -= 1;
            if tries == 0 {
                return Err(StoreError::Migration(error));
            }
            tokio::time::sleep(SQLITE_PAUSE).await;
        }
        Ok(())
    }

    /// The migrations that this version has and the database has not. Fails if the database is of a pre-release, or if an
    /// applied migration is not the one that this version has. Unknown later migrations are no error: a newer version
    /// may have migrated while this one serves.
    pub async fn list_pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let applied = self.list_applied_migrations().await?;
        if applied.keys().any(|version| *version < FIRST) {
            return Err(StoreError::PreRelease);
        }
        let mut pending = Vec::new();
        for migration in SQLITE.iter() {
            let name = format!("{:04} {}", migration.version, migration.description);
            match applied.get(&migration.version) {
                None => pending.push(name),
                Some(checksum) if *checksum == *migration.checksum => {}
                Some(_) => return Err(StoreError::ChangedMigration(name)),
            }
        }
        Ok(pending)
    }

    /// The versions and checksums.
    async fn list_applied_migrations(&self) -> Result<HashMap<i64, Vec<u8>>, StoreError> {
        let mut conn = self.acquire_read().await?;
        let read = |row: &Row| Ok((row.get("version")?, row.get("checksum")?));
        match query(LIST_APPLIED).fetch_all(&mut conn, read).await {
            // A database nobody has migrated yet.
            Err(StoreError::Database(error)) if is_missing_table(&error) => Ok(HashMap::new()),
            applied => Ok(applied?.into_iter().collect()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_compares_each_text_column_by_bytes() {
        let sql = "-- Some text, not a column.\ncreate table t (\n    a text not null,\n    b bigint,\n    c text\n);\n\
                   /* SQLite */ create index x on t (a);\n";
        assert_eq!(
            for_postgres(sql),
            "-- Some text, not a column.\ncreate table t (\n    a text collate \"C\" not null,\n    b bigint,\n    c text collate \"C\"\n);\n"
        );
    }
}
