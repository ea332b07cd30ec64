//! Owns the schema's version: the files of `migrations/` are in the binary.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::store::db::pool::Pool;
use crate::store::db::query::query;
use crate::store::{Store, StoreError};

/// Name and statements. The text of one that was applied must not change: its checksum is in the database.
const FILES: [(&str, &str); 21] = [
    (
        "0001_clients",
        include_str!("../../../migrations/0001_clients.sql"),
    ),
    (
        "0002_signing_keys",
        include_str!("../../../migrations/0002_signing_keys.sql"),
    ),
    (
        "0003_client_authentication",
        include_str!("../../../migrations/0003_client_authentication.sql"),
    ),
    (
        "0004_revocations",
        include_str!("../../../migrations/0004_revocations.sql"),
    ),
    (
        "0005_sender_constraint",
        include_str!("../../../migrations/0005_sender_constraint.sql"),
    ),
    (
        "0006_changes",
        include_str!("../../../migrations/0006_changes.sql"),
    ),
    (
        "0007_audit",
        include_str!("../../../migrations/0007_audit.sql"),
    ),
    (
        "0008_usage",
        include_str!("../../../migrations/0008_usage.sql"),
    ),
    (
        "0009_admins",
        include_str!("../../../migrations/0009_admins.sql"),
    ),
    (
        "0010_remembered_answers",
        include_str!("../../../migrations/0010_remembered_answers.sql"),
    ),
    (
        "0011_client_order",
        include_str!("../../../migrations/0011_client_order.sql"),
    ),
    (
        "0012_explained",
        include_str!("../../../migrations/0012_explained.sql"),
    ),
    (
        "0013_managed_by",
        include_str!("../../../migrations/0013_managed_by.sql"),
    ),
    (
        "0015_passkeys",
        include_str!("../../../migrations/0015_passkeys.sql"),
    ),
    (
        "0016_allowed_networks",
        include_str!("../../../migrations/0016_allowed_networks.sql"),
    ),
    (
        "0017_acme",
        include_str!("../../../migrations/0017_acme.sql"),
    ),
    (
        "0018_scope_and_trail",
        include_str!("../../../migrations/0018_scope_and_trail.sql"),
    ),
    (
        "0019_audit_groups",
        include_str!("../../../migrations/0019_audit_groups.sql"),
    ),
    (
        "0020_client_names",
        include_str!("../../../migrations/0020_client_names.sql"),
    ),
    (
        "0021_audit_head",
        include_str!("../../../migrations/0021_audit_head.sql"),
    ),
    (
        "0022_admin_networks",
        include_str!("../../../migrations/0022_admin_networks.sql"),
    ),
];

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let migration = |(name, sql): (&str, &'static str)| {
        let (version, description) = name.split_once('_')?;
        let (version, description) = (version.parse().ok()?, description.replace('_', " "));
        let (kind, sql) = (MigrationType::Simple, sql.into_sql_str());
        Some(Migration::new(
            version,
            description.into(),
            kind,
            sql,
            false,
        ))
    };
    Migrator::with_migrations(FILES.into_iter().filter_map(migration).collect())
});

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
        let mut conn = self.acquire().await?;
        match query(LIST_APPLIED)
            .fetch_all(&mut conn, |row| row.get(0))
            .await
        {
            // A database nobody has migrated yet.
            Err(StoreError::Database(error)) if is_missing_table(&error) => Ok(Vec::new()),
            other => other,
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
