//! Owns the connection of one call: its deadline, its metrics, its span in traces, and the transaction on it.
//!
//! [`Conn`] and [`Tx`] are the same for Postgres and SQLite. A [`Query`](super::query::Query) runs on either.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Span;

use crate::base::clock::Stopwatch;
use crate::base::tracing_span::{TARGET, within_request};
use crate::domain::audit::chain::ChainedEvent;
use crate::store::audit::head_row::Head;
use crate::store::db::connect::pool::Store;
use crate::store::db::connect::url_file::is_refused_login;
use crate::store::db::{Calls, Pool};
use crate::store::replication::listener::SIGN_OF_LIFE;
use crate::store::{Result, StoreError};

/// A connection of a pool for one call.
#[derive(Debug)]
pub(in crate::store) struct Conn {
    pooled: Pooled,
    call: Call,
}

/// An open transaction. Dropped without [`commit`](Tx::commit), as by an early `?`, it is rolled back.
#[derive(Debug)]
pub(in crate::store) struct Tx<'c> {
    begun: Begun<'c>,
    call: &'c Call,
    /// The row of `audit_head`, once this transaction has locked it.
    pub(in crate::store) head: Option<Head>,
    /// The events that it has appended.
    pub(in crate::store) events: Vec<ChainedEvent>,
}

/// What runs queries: a [`Conn`] or a [`Tx`].
pub(in crate::store) trait Session: Send {
    /// The driver's connection, and the call that uses it.
    fn parts(&mut self) -> (Driver<'_>, &Call);
}

pub(in crate::store) enum Driver<'c> {
    Postgres(&'c mut PgConnection),
    Sqlite(&'c mut SqliteConnection),
}

#[derive(Debug)]
enum Pooled {
    Postgres(PoolConnection<Postgres>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Pooled {
    async fn of(pool: &Pool) -> sqlx::Result<Self> {
        match pool {
            Pool::Postgres(pool) => pool.acquire().await.map(Self::Postgres),
            Pool::Sqlite(pool) => pool.acquire().await.map(Self::Sqlite),
        }
    }
}

/// Begins a transaction that may take minutes: an import computes for longer between two statements, and writes more in one of
/// them, than other calls may. A limit it has all the same, because a process that stalls in it holds locks.
const BEGIN_UNHURRIED: &str = "begin; set local statement_timeout = '1min'; \
                               set local idle_in_transaction_session_timeout = '1min'";

#[derive(Debug)]
enum Begun<'c> {
    Postgres(Transaction<'c, Postgres>),
    Sqlite(Transaction<'c, Sqlite>),
}

/// What holds for everything that one call does.
#[derive(Debug)]
pub(in crate::store) struct Call {
    calls: Arc<Calls>,
    began: Stopwatch,
    deadline: Option<Instant>,
    must_close: AtomicBool,
    /// Whether a transaction is being begun. Who goes away meanwhile may leave one behind that nobody ends.
    is_beginning: AtomicBool,
    /// The span ends with the call. The call never enters it: sqlx sends the current span to the thread of SQLite, which could
    /// then end it after the response.
    _span: Span,
}

impl Store {
    /// A connection that may write, for a call within the deadline of this store. On SQLite there is one: who only reads
    /// takes [`acquire_read`](Self::acquire_read), and waits for no writer.
    pub(in crate::store) fn acquire(&self) -> BoxFuture<'_, Result<Conn>> {
        self.acquire_from(self.writes(), Some(self.deadline))
    }

    /// A connection for a call that only reads, within the deadline of this store. On SQLite it refuses to write.
    pub(in crate::store) fn acquire_read(&self) -> BoxFuture<'_, Result<Conn>> {
        self.acquire_from(&self.pool, Some(self.deadline))
    }

    /// A connection that may write, for what may take minutes.
    pub(in crate::store) fn acquire_unhurried(&self) -> BoxFuture<'_, Result<Conn>> {
        self.acquire_from(self.writes(), None)
    }

    /// The connection of the change feed. On SQLite it refuses to write.
    pub(in crate::store) fn acquire_feed(&self) -> BoxFuture<'_, Result<Conn>> {
        self.acquire_from(&self.feed, Some(self.deadline))
    }

    /// The future is in a box, since it is large and would else be a part of each request that may come to need it.
    fn acquire_from<'a>(
        &'a self,
        pool: &'a Pool,
        deadline: Option<Duration>,
    ) -> BoxFuture<'a, Result<Conn>> {
        let span = within_request(|| {
            tracing::debug_span!(
                target: TARGET, "database", otel.kind = "client", db.system.name = pool.system()
            )
        });
        let acquiring = async move {
            let guard = &self.calls.guard;
            guard.check()?;
            let asked = Stopwatch::start();
            if self.url_file.is_some() && pool.will_connect() {
                self.refresh_url().await;
            }
            let mut acquired = Pooled::of(pool).await;
            // Where a connection that was idle turned out to be closed.
            if self.url_file.is_some() && acquired.as_ref().is_err_and(is_refused_login) {
                self.refresh_url().await;
                acquired = Pooled::of(pool).await;
            }
            let acquired = self.calls.acquired(acquired, asked.elapsed());
            let pooled = acquired.map_err(|error| {
                // On SQLite a connection is waited for because another writer has it.
                if matches!(pool, Pool::Postgres(_)) {
                    self.calls.suspicion.raise();
                }
                let error = StoreError::from(error);
                guard.note(&error);
                error
            })?;
            let call = Call {
                calls: Arc::clone(&self.calls),
                began: Stopwatch::start(),
                deadline: deadline.map(|deadline| Instant::now() + deadline),
                must_close: AtomicBool::new(false),
                is_beginning: AtomicBool::new(false),
                _span: span,
            };
            let conn = Conn { pooled, call };
            // It may have been made while the file was replaced, or have led to another database.
            if let Err(error) = guard.check() {
                conn.call.must_close.store(true, Ordering::Relaxed);
                return Err(error);
            }
            Ok(conn)
        };
        acquiring.boxed()
    }
}

impl Conn {
    /// Begins a transaction. On SQLite it is `BEGIN IMMEDIATE`: a plain `BEGIN` that reads and then writes fails under
    /// contention instead of waiting. While it is open, use it only: asking the pool again could wait for ever.
    pub(in crate::store) fn begin(&mut self) -> BoxFuture<'_, Result<Tx<'_>>> {
        let call = &self.call;
        let pooled = &mut self.pooled;
        let beginning = async move {
            Ok(match pooled {
                Pooled::Postgres(conn) => Begun::Postgres(match call.deadline {
                    Some(_) => (**conn).begin().await?,
                    None => (**conn).begin_with(BEGIN_UNHURRIED).await?,
                }),
                Pooled::Sqlite(conn) => {
                    Begun::Sqlite((**conn).begin_with("begin immediate").await?)
                }
            })
        };
        async move {
            call.is_beginning.store(true, Ordering::Relaxed);
            let begun = call.within(beginning).await;
            call.is_beginning.store(false, Ordering::Relaxed);
            Ok(Tx {
                begun: begun?,
                call,
                head: None,
                events: Vec::new(),
            })
        }
        .boxed()
    }
}

impl Tx<'_> {
    pub(in crate::store) fn is_postgres(&self) -> bool {
        matches!(self.begun, Begun::Postgres(_))
    }

    pub(in crate::store) async fn commit(self) -> Result<()> {
        let last_change = self.head.as_ref().map(|head| head.last_change);
        let committing = async move {
            match self.begun {
                Begun::Postgres(tx) => tx.commit().await?,
                Begun::Sqlite(tx) => tx.commit().await?,
            }
            Ok(())
        };
        self.call.within(committing).await?;
        if let Some(id) = last_change {
            self.call.calls.guard.note_commit(id);
        }
        self.call.calls.listening.tell(&self.events);
        Ok(())
    }
}

impl Session for Conn {
    fn parts(&mut self) -> (Driver<'_>, &Call) {
        let driver = match &mut self.pooled {
            Pooled::Postgres(conn) => Driver::Postgres(conn),
            Pooled::Sqlite(conn) => Driver::Sqlite(conn),
        };
        (driver, &self.call)
    }
}

impl Session for Tx<'_> {
    fn parts(&mut self) -> (Driver<'_>, &Call) {
        let driver = match &mut self.begun {
            Begun::Postgres(tx) => Driver::Postgres(tx),
            Begun::Sqlite(tx) => Driver::Sqlite(tx),
        };
        (driver, self.call)
    }
}

/// A connection that did not answer in time is closed: whoever used it next would wait too. So is one whose prepared
/// statements are outdated, and one that may be in a transaction which nobody ends: what is written there by single
/// statements would never be committed.
impl Drop for Conn {
    fn drop(&mut self) {
        let call = &self.call;
        if call.deadline.is_some() {
            call.calls.took.observe(call.began.elapsed());
        }
        let must_close =
            call.must_close.load(Ordering::Relaxed) || call.is_beginning.load(Ordering::Relaxed);
        match &mut self.pooled {
            Pooled::Postgres(conn) if must_close => conn.close_on_drop(),
            Pooled::Sqlite(conn) if must_close => conn.close_on_drop(),
            // The pool asks a connection for a sign of life when it comes back, and would wait for ever for a server that
            // froze meanwhile.
            Pooled::Postgres(conn) => {
                tokio::spawn(timeout(SIGN_OF_LIFE, conn.return_to_pool()));
            }
            Pooled::Sqlite(_) => {}
        }
    }
}

impl Call {
    /// Waits for the database, until the deadline at most.
    pub(in crate::store) async fn within<T>(
        &self,
        asked: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let answered = match self.deadline {
            None => asked.await,
            Some(deadline) => timeout_at(deadline, asked).await.unwrap_or_else(|late| {
                self.must_close.store(true, Ordering::Relaxed);
                self.calls.late.inc();
                self.calls.suspicion.raise();
                Err(sqlx::Error::Io(late.into()).into())
            }),
        };
        match &answered {
            Err(StoreError::StalePlan(_)) => {
                self.must_close.store(true, Ordering::Relaxed);
                self.calls.guard.reconnect();
            }
            Err(StoreError::Unavailable(_)) => self.calls.suspect_connections(),
            Err(error) => self.calls.guard.note(error),
            Ok(_) => {}
        }
        answered
    }
}
