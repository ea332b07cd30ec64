//! Owns how a file of SQLite is opened: connections that only read, and one that writes.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{Connection, Executor, Sqlite, SqliteConnection};

use crate::base::private_file;
use crate::store::db::connect::{DatabaseOptions, pool_options};
use crate::store::db::error::RefusalCode;
use crate::store::db::{Calls, Pool};

/// How long one waits that finds another just making a new SQLite file one in WAL mode.
const WAL_PAUSE: Duration = Duration::from_millis(10);

/// The pools for reads, for writes and of the change feed. SQLite has one writer at a time: with one connection for all of
/// them writers wait in the order in which they came, and in no reader's way.
pub(in crate::store) fn open_sqlite(
    options: &DatabaseOptions,
    path: Option<&Path>,
    calls: &Arc<Calls>,
) -> anyhow::Result<(Pool, Option<Pool>, Pool)> {
    let file = sqlite(options)?;
    let pool = pool_options::<Sqlite>(options, calls)
        .after_release(|connection, _| Box::pin(can_begin(connection)));
    let Some(path) = path else {
        // Each connection would see a database of its own, which goes with it.
        let pool = pool
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        let pool = Pool::Sqlite(pool.connect_lazy_with(file));
        return Ok((pool.clone(), None, pool));
    };
    if options.create_if_missing {
        make_file(path)?;
    }
    let reading = file.clone().pragma("query_only", "on");
    let feed = pool.clone().max_connections(1);
    // To wait for the connection is to wait for the lock.
    let patience = options.acquire_timeout.max(options.statement_timeout);
    let writes = pool
        .clone()
        .max_connections(1)
        .acquire_timeout(patience)
        .after_connect(|connection, _| Box::pin(use_wal(connection)));
    Ok((
        Pool::Sqlite(pool.connect_lazy_with(reading.clone())),
        Some(Pool::Sqlite(writes.connect_lazy_with(file))),
        Pool::Sqlite(feed.connect_lazy_with(reading)),
    ))
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

/// The file that the URL names; `None`: the database is in memory.
pub(in crate::store) fn sqlite_file(options: &DatabaseOptions) -> anyhow::Result<Option<PathBuf>> {
    let url = options.url.expose();
    let file = sqlite(options)?;
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    Ok((!in_memory).then(|| file.get_filename().to_owned()))
}

fn sqlite(options: &DatabaseOptions) -> anyhow::Result<SqliteConnectOptions> {
    Ok(SqliteConnectOptions::from_str(options.url.expose())
        .context("the SQLite URL does not parse")?
        // Where it may be made it is there: `make_file`. One that is removed later is not made again.
        .create_if_missing(false)
        .foreign_keys(true)
        // In WAL mode each commit is on the disk before it is acknowledged: one fsync. With less a power cut may take the
        // last commits, a revocation among them.
        .synchronous(SqliteSynchronous::Full)
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

/// `SQLITE_BUSY`.
pub(in crate::store) fn is_locked(error: &sqlx::Error) -> bool {
    RefusalCode::of(error) == Some(RefusalCode::Sqlite(5))
}

#[cfg(test)]
mod tests {
    use sqlx::SqlitePool;

    use super::*;
    use crate::base::secret::Secret;
    use crate::store::db::connect::tests::options;
    use crate::store::{AuditKeys, Fault, Store, StoreError};

    fn open(folder: &tempfile::TempDir) -> Store {
        let file = folder.path().join("a.db");
        let options = options(&format!("sqlite:{}", file.display()));
        let secret = Secret::from("0123456789abcdef0123456789abcdef");
        let keys = AuditKeys::new(&secret, None).unwrap();
        Store::open(&options, keys).unwrap()
    }

    fn sqlite_pool(pool: &Pool) -> &SqlitePool {
        match pool {
            Pool::Sqlite(pool) => pool,
            Pool::Postgres(_) => panic!("not SQLite"),
        }
    }

    #[tokio::test]
    async fn what_sqlite_rolled_back_by_itself_spoils_no_connection() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let pool = sqlite_pool(store.writes());

        let mut full = pool.begin_with("begin immediate").await.unwrap();
        // As SQLite does when the disk is full.
        full.execute("rollback").await.unwrap();
        drop(full);

        let mut next = pool.begin_with("begin immediate").await.unwrap();
        next.execute("create table a (b bigint)").await.unwrap();
        next.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_commit_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let pool = sqlite_pool(store.writes());

        let full: i64 = sqlx::query_scalar("pragma synchronous")
            .fetch_one(pool)
            .await
            .unwrap();
        let mode: String = sqlx::query_scalar("pragma journal_mode")
            .fetch_one(pool)
            .await
            .unwrap();

        assert_eq!((full, mode.as_str()), (2, "wal"));
    }

    #[tokio::test]
    async fn what_only_reads_sees_each_write_and_cannot_write() {
        const INSERT: &str = "insert into a values (1)";
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        store
            .execute("create table a (b bigint)", &[])
            .await
            .unwrap();

        for pool in [&store.pool, &store.feed].map(sqlite_pool) {
            let refused = StoreError::from(pool.execute(INSERT).await.unwrap_err());
            assert!(
                matches!(refused, StoreError::Faulty(Fault::ReadOnly, _)),
                "{refused:?}"
            );
            store.execute(INSERT, &[]).await.unwrap();
        }

        let count = store.fetch_one("select count(*) from a", &[], |row| row.count(0));
        assert_eq!(count.await.unwrap(), 2);
    }
}
