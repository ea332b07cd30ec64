//! Owns how a database is opened: the URL's scheme chooses the product.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{AuditKeys, Pool, Store};
use crate::secret::Secret;

/// How long a transaction may wait for its next statement, beyond what a statement may take.
const TRANSACTION_PAUSE: Duration = Duration::from_secs(5);

/// How to open and use the database.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// `postgres://…` or `sqlite:…`; may hold a password.
    pub url: Secret<String>,
    /// Connections at most.
    pub pool_size: u32,
    /// How long a call waits for a connection.
    pub acquire_timeout: Duration,
    /// How long one statement may run (on SQLite: wait for a lock).
    pub statement_timeout: Duration,
    /// After how long without use a connection is closed.
    pub idle_timeout: Duration,
}

impl Store {
    /// Opens the database. A Postgres that does not answer yet is no error: the pool connects when it is used.
    pub fn open(options: &DatabaseOptions, audit_keys: AuditKeys) -> anyhow::Result<Self> {
        let url = options.url.expose();
        let pool = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => Pool::Postgres(
                PgPoolOptions::new()
                    .max_connections(options.pool_size)
                    .acquire_timeout(options.acquire_timeout)
                    .idle_timeout(options.idle_timeout)
                    .connect_lazy_with(postgres(url, options)?),
            ),
            Some("sqlite") => {
                // Each connection to a memory database would see one of its own.
                let in_memory = url.contains(":memory:") || url.contains("mode=memory");
                let size = if in_memory { 1 } else { options.pool_size };
                let mut pool = SqlitePoolOptions::new()
                    .max_connections(size)
                    .acquire_timeout(options.acquire_timeout)
                    .idle_timeout(options.idle_timeout);
                if in_memory {
                    pool = pool
                        .min_connections(1)
                        .idle_timeout(None)
                        .max_lifetime(None);
                }
                let file = sqlite(url, options)?;
                if let (false, Some(folder)) = (in_memory, file.get_filename().parent()) {
                    std::fs::create_dir_all(folder)
                        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
                }
                Pool::Sqlite(pool.connect_lazy_with(file))
            }
            _ => bail!("a database URL begins with postgres:// or sqlite:"),
        };
        Ok(Self {
            pool,
            audit_keys: Arc::new(audit_keys),
        })
    }
}

fn postgres(url: &str, options: &DatabaseOptions) -> anyhow::Result<PgConnectOptions> {
    let timeout = options.statement_timeout.as_millis().to_string();
    // A process that stalls in a transaction holds locks that others wait for.
    let idle = (options.statement_timeout + TRANSACTION_PAUSE)
        .as_millis()
        .to_string();
    Ok(PgConnectOptions::from_str(url)
        .context("the Postgres URL does not parse")?
        .application_name("token-server")
        .options([
            ("statement_timeout", timeout),
            ("idle_in_transaction_session_timeout", idle),
        ]))
}

fn sqlite(url: &str, options: &DatabaseOptions) -> anyhow::Result<SqliteConnectOptions> {
    Ok(SqliteConnectOptions::from_str(url)
        .context("the SQLite URL does not parse")?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode this survives a crash of the process; a crash of the machine may lose the
        // last writes but never damages the file.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(options.statement_timeout))
}
