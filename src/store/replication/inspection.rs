//! Owns how a database is looked at before its changes are read, and how it is noticed that what was wrong with it has
//! passed: on a connection of its own, since those of the pools may lead to where the database was.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Database;
use sqlx::pool::PoolOptions;
use tokio::time::{Instant, sleep, timeout};

use crate::base::secret::random_base62;
use crate::domain::ChangeId;
use crate::store::db::connect::watched_file::{FileId, FileState, WatchedFile};
use crate::store::db::guard::Obstacle;
use crate::store::db::migrations::list_tables;
use crate::store::db::{Calls, Fault, Pool, query};
use crate::store::replication::installation::Standing;
use crate::store::{Result, Store, StoreError};

/// A damaged page is nothing that the server can look for. While a call meets it again within this time, it is there.
const DAMAGE_LASTS: Duration = Duration::from_mins(1);

/// What is written to see whether the disk has room: beyond what free places in the files hold.
const PROBE_LENGTH: usize = 65_536;

/// Between two looks whether the connections of a replaced file are closed.
const PAUSE: Duration = Duration::from_millis(10);

impl Store {
    /// Looks at the database that answers. The first one is the one that this process uses from then on; with another one
    /// this fails, as every other call does. A fault that has passed is forgotten.
    pub async fn look(&self) -> Result<Standing> {
        let guard = &self.calls.guard;
        // It may have been replaced since the last call.
        if guard.check().is_err() || guard.fault().is_some() {
            self.inspect().await?;
        }
        let standing = self.read_standing().await?;
        guard.check_identity(&standing.installation.identity)?;
        if standing.is_read_only {
            guard.note_fault(Fault::ReadOnly);
        }
        Ok(standing)
    }

    /// Whether the database lost a change that this process had committed, and that is beyond the last one which was read.
    pub async fn lost_own_change(&self, read: ChangeId) -> Result<bool> {
        const SQL: &str = "select count(*) from changes where change_id = $1";
        let guard = &self.calls.guard;
        let committed = guard.last_commit();
        if committed <= read.0 {
            return Ok(false);
        }
        let found = query(SQL)
            .bind(&[&committed])
            .fetch_one(&mut self.acquire_feed().await?, |row| row.count(0))
            .await?;
        if found == 0 {
            guard.forget_commit(committed);
        }
        Ok(found == 0)
    }

    /// Why no connection to the database may be used.
    pub fn obstacle(&self) -> Option<Arc<Obstacle>> {
        self.calls.guard.obstacle()
    }

    /// What is wrong with the database, though it answers.
    pub fn fault(&self) -> Option<Fault> {
        self.calls.guard.fault()
    }

    /// Has every connection closed before it is used again, so that the next ones lead to where the address leads now.
    pub fn reconnect(&self) {
        self.calls.guard.reconnect();
    }

    async fn inspect(&self) -> Result<()> {
        let guard = &self.calls.guard;
        if matches!(self.pool, Pool::Sqlite(_)) && guard.file().is_none() {
            // In memory: a new connection would open a database of its own.
            guard.clear_fault();
            return Ok(());
        }
        let replaced_by = match guard.file().map(WatchedFile::look) {
            Some(FileState::Removed) => return guard.check(),
            Some(FileState::Replaced(file)) => {
                self.refuse_foreign_writes()?;
                self.retire_connections().await?;
                Some(file)
            }
            Some(FileState::Same) | None => None,
        };
        let fresh = self.connect_once().await?;
        let inspected = timeout(self.deadline, self.inspect_with(&fresh, replaced_by)).await;
        fresh.close().await;
        inspected.map_err(|late| sqlx::Error::Io(late.into()))?
    }

    /// Forgets what was wrong, as far as a new connection does not find it.
    async fn inspect_with(&self, fresh: &Self, replaced_by: Option<FileId>) -> Result<()> {
        let guard = &self.calls.guard;
        let standing = fresh.read_standing().await?;
        guard.check_identity(&standing.installation.identity)?;
        if let (Some(watched), Some(file)) = (guard.file(), replaced_by) {
            watched.accept(file);
        }
        if guard.obstacle().is_some() {
            guard.clear_obstacle();
        }
        if let Some(fault) = guard.fault()
            && !self.still_has(fault, fresh, &standing).await?
        {
            guard.clear_fault();
            // The connections may still lead to where it was.
            guard.reconnect();
        }
        Ok(())
    }

    async fn still_has(&self, fault: Fault, fresh: &Self, standing: &Standing) -> Result<bool> {
        let tried = match (fault, &self.pool) {
            (Fault::ReadOnly, Pool::Postgres(_)) => return Ok(standing.is_read_only),
            (Fault::PermissionDenied, Pool::Postgres(_)) => return fresh.lacks_rights().await,
            (Fault::Damaged, _) => {
                let age = self.calls.guard.fault_age();
                return Ok(age.is_some_and(|age| age < DAMAGE_LASTS));
            }
            (Fault::DiskFull | Fault::ReadOnly | Fault::PermissionDenied, _) => fresh.probe().await,
        };
        match tried {
            Ok(()) => Ok(false),
            Err(StoreError::Faulty(..)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Writes and removes what needs room of its own.
    async fn probe(&self) -> Result<()> {
        const WRITE: &str = "update installation set probe = $1";
        const REMOVE: &str = "update installation set probe = null";
        self.execute(WRITE, &[&random_base62(PROBE_LENGTH)]).await?;
        self.execute(REMOVE, &[]).await.map(drop)
    }

    /// Whether Postgres would refuse to read or write a table of the server's.
    async fn lacks_rights(&self) -> Result<bool> {
        const SQL: &str = "
            select count(*)
            from pg_class t
            where t.relnamespace = current_schema()::regnamespace
                and t.relname::text = any(string_to_array($1, ' '))
                and not (has_table_privilege(t.oid, 'select') and has_table_privilege(t.oid, 'insert')
                    and has_table_privilege(t.oid, 'update') and has_table_privilege(t.oid, 'delete'))";
        let tables: Vec<&str> = list_tables().collect();
        let tables = tables.join(" ");
        let lacking = self.fetch_one(SQL, &[&tables], |row| row.count(0)).await?;
        Ok(lacking > 0)
    }

    /// A store with a connection of its own, to where the address leads now, which looks at no guard.
    async fn connect_once(&self) -> Result<Self> {
        self.refresh_url().await;
        let pool = match self.writes() {
            Pool::Postgres(pool) => {
                let options = (*pool.connect_options()).clone();
                Pool::Postgres(
                    single_connection(self.deadline)
                        .connect_with(options)
                        .await?,
                )
            }
            Pool::Sqlite(pool) => {
                let options = (*pool.connect_options()).clone().create_if_missing(false);
                Pool::Sqlite(
                    single_connection(self.deadline)
                        .connect_with(options)
                        .await?,
                )
            }
        };
        Ok(Self {
            feed: pool.clone(),
            writes: None,
            pool,
            calls: Arc::new(Calls::default()),
            ..self.clone()
        })
    }

    /// Fails if another process has written to the new file: to empty `-wal` would take what it committed.
    fn refuse_foreign_writes(&self) -> Result<()> {
        let guard = &self.calls.guard;
        if !guard.file().is_some_and(WatchedFile::is_written_by_others) {
            return Ok(());
        }
        let why = "the database file was replaced, and another process has written to the new one: restart this process";
        Err(sqlx::Error::Io(io::Error::other(why)).into())
    }

    /// Closes the connections to a file that is not at the path any more. Its last writes, which stand in the file `-wal` at
    /// the path, move into it: SQLite would take them for those of the new file.
    async fn retire_connections(&self) -> Result<()> {
        const MOVE: &str = "pragma wal_checkpoint(truncate)";
        let until = Instant::now() + self.deadline;
        let mut last = None;
        loop {
            for pool in self.all_pools() {
                let Pool::Sqlite(pool) = pool else { continue };
                while let Some(connection) = pool.try_acquire() {
                    if let Some(other) = last.replace(connection) {
                        other.close().await?;
                    }
                }
            }
            let open: u32 = self.all_pools().map(Pool::open_connections).sum();
            if open <= u32::from(last.is_some()) {
                break;
            }
            if Instant::now() > until {
                return Err(sqlx::Error::PoolTimedOut.into());
            }
            sleep(PAUSE).await;
        }
        if let Some(mut last) = last {
            let moved = sqlx::query_scalar(MOVE).fetch_one(&mut *last).await;
            last.close().await?;
            let is_busy: i64 = moved?;
            if is_busy != 0 {
                let why = "another process has the replaced database file open";
                return Err(sqlx::Error::Io(io::Error::other(why)).into());
            }
        }
        Ok(())
    }
}

fn single_connection<DB: Database>(acquire_timeout: Duration) -> PoolOptions<DB> {
    let single = PoolOptions::new().max_connections(1);
    single.acquire_timeout(acquire_timeout)
}
