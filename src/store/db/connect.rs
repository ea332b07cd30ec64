//! Owns how a database is opened: the URL's scheme chooses the product.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{Connection, Database, Executor, Postgres, Sqlite, SqliteConnection};
use url::Url;

use crate::base::private_file;
use crate::base::secret::Secret;
use crate::store::db::metrics::Calls;
use crate::store::db::pool::Pool;
use crate::store::{AuditKeys, Store};

/// How long a transaction may wait for its next statement, beyond what a statement may take.
const TRANSACTION_PAUSE: Duration = Duration::from_secs(5);

/// How much later than its timeouts the database may say that it timed out.
const LATENESS: Duration = Duration::from_secs(1);

/// How long one waits that finds another just making a new SQLite file one in WAL mode.
const WAL_PAUSE: Duration = Duration::from_millis(10);

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
    /// Opens the database. A Postgres that does not answer yet is no error: the pools connect when they are used.
    pub fn open(options: &DatabaseOptions, audit_keys: AuditKeys) -> anyhow::Result<Self> {
        let url = options.url.expose();
        let calls = Arc::new(Calls::default());
        let (pool, feed) = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => {
                let server = postgres(url, options)?;
                let pool = pool_options::<Postgres>(options, &calls);
                let feed = pool.clone().max_connections(1);
                (
                    Pool::Postgres(pool.connect_lazy_with(server.clone())),
                    Pool::Postgres(feed.connect_lazy_with(server)),
                )
            }
            Some("sqlite") => {
                let file = sqlite(url, options)?;
                let pool = pool_options::<Sqlite>(options, &calls)
                    .after_connect(|connection, _| Box::pin(use_wal(connection)))
                    .after_release(|connection, _| Box::pin(can_begin(connection)));
                if url.contains(":memory:") || url.contains("mode=memory") {
                    // Each connection would see a database of its own, which goes with it.
                    let pool = pool
                        .max_connections(1)
                        .min_connections(1)
                        .idle_timeout(None)
                        .max_lifetime(None);
                    let pool = Pool::Sqlite(pool.connect_lazy_with(file));
                    (pool.clone(), pool)
                } else {
                    make_file(file.get_filename())?;
                    let feed = pool.clone().max_connections(1);
                    (
                        Pool::Sqlite(pool.connect_lazy_with(file.clone())),
                        Pool::Sqlite(feed.connect_lazy_with(file)),
                    )
                }
            }
            _ => bail!("a database URL begins with postgres:// or sqlite:"),
        };
        Ok(Self {
            pool,
            feed,
            deadline: options.statement_timeout + LATENESS,
            audit_keys: Arc::new(audit_keys),
            calls,
        })
    }
}

fn pool_options<DB: Database>(options: &DatabaseOptions, calls: &Arc<Calls>) -> PoolOptions<DB> {
    let calls = Arc::clone(calls);
    PoolOptions::new()
        .max_connections(options.pool_size)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(options.idle_timeout)
        .test_before_acquire(false)
        .before_acquire(move |connection: &mut DB::Connection, found| {
            let must_check = calls.must_check(found.idle_for);
            Box::pin(async move {
                if must_check {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// Makes the file and its folder where they are missing. SQLite itself would make a file that all may read. Its other files
/// (`-wal`, `-shm`, `-journal`) get the mode of this one.
fn make_file(file: &Path) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        private_file::ensure_folder(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    private_file::ensure(file).with_context(|| format!("cannot make the file {}", file.display()))
}

/// The parameters of a Postgres URL that mean something to sqlx; so do those that begin with `options[`.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// A URL without the parameters that are unknown, and their names: sqlx would log their values, one of which may be a
/// mistyped password. An unknown one about TLS is refused, for it would be ignored.
pub(in crate::store) fn split_parameters(url: &str) -> anyhow::Result<(String, Vec<String>)> {
    let mut url = Url::parse(url)?;
    let is_known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[");
    let pairs = url.query_pairs().into_owned();
    let (known, unknown): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| is_known(name));
    let unknown: Vec<String> = unknown.into_iter().map(|(name, _)| name).collect();
    if let Some(name) = unknown.iter().find(|name| name.starts_with("ssl")) {
        bail!("there is no parameter `{name}`");
    }
    if !unknown.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(known);
    }
    Ok((url.into(), unknown))
}

pub(in crate::store) fn postgres(
    url: &str,
    options: &DatabaseOptions,
) -> anyhow::Result<PgConnectOptions> {
    let timeout = options.statement_timeout.as_millis().to_string();
    // A process that stalls in a transaction holds locks that others wait for.
    let idle = (options.statement_timeout + TRANSACTION_PAUSE)
        .as_millis()
        .to_string();
    let (url, _) = split_parameters(url).context("the Postgres URL does not parse")?;
    Ok(PgConnectOptions::from_str(&url)
        .context("the Postgres URL does not parse")?
        .application_name("token-server")
        .options([
            ("statement_timeout", timeout),
            ("idle_in_transaction_session_timeout", idle),
        ]))
}

pub(in crate::store) fn sqlite(
    url: &str,
    options: &DatabaseOptions,
) -> anyhow::Result<SqliteConnectOptions> {
    Ok(SqliteConnectOptions::from_str(url)
        .context("the SQLite URL does not parse")?
        .create_if_missing(true)
        .foreign_keys(true)
        // In WAL mode this survives a crash of the process; a crash of the machine may lose the
        // last writes but never damages the file.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(options.statement_timeout))
}

/// Puts the file into WAL mode, in which it stays. Of several that do so to a new file at once SQLite tells all but one
/// that it is locked, without waiting for its `busy_timeout`; so it is tried again, until the pool's patience
/// ends. Any other refusal, as of a file that may only be read, is told by the first write.
async fn use_wal(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    while let Err(error) = connection.execute("pragma journal_mode = wal").await {
        if !is_locked(&error) {
            break;
        }
        tokio::time::sleep(WAL_PAUSE).await;
    }
    Ok(())
}

/// Whether a connection can begin another transaction; else it is closed. SQLite rolls back by itself what there is no room
/// for, and then the count of transactions that sqlx keeps is wrong for ever.
async fn can_begin(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    if connection.is_in_transaction() {
        // What is to be rolled back is so by then.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// `SQLITE_BUSY`, which is the low byte of every code of its kind.
fn is_locked(error: &sqlx::Error) -> bool {
    let refusal = error.as_database_error();
    let code = refusal.and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_sqlite_rolled_back_by_itself_spoils_no_connection() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let options = DatabaseOptions {
            url: Secret::new(format!("sqlite:{}", file.display())),
            pool_size: 1,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(10),
        };
        let secret = Secret::from("0123456789abcdef0123456789abcdef");
        let keys = AuditKeys::new(&secret, None).unwrap();
        let store = Store::open(&options, keys).unwrap();
        let Pool::Sqlite(pool) = &store.pool else {
            panic!("not SQLite");
        };

        let mut full = pool.begin_with("begin immediate").await.unwrap();
        // As SQLite does when the disk is full.
        full.execute("rollback").await.unwrap();
        drop(full);

        let mut next = pool.begin_with("begin immediate").await.unwrap();
        next.execute("create table a (b bigint)").await.unwrap();
        next.commit().await.unwrap();
    }
}
