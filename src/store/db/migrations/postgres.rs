//! Owns how a Postgres is migrated: on a connection of its own, without the limits of requests, one process at a time.
//!
//! The lock is an advisory one, held by the session or transaction that does the work: if the one dies, so does the other.
//! Who waits asks for it each second and holds no snapshot meanwhile: `create index concurrently` waits for every snapshot
//! that is older than it, and would wait for those that wait for it (as sqlx's own lock does).

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::migrate::Migrate;
use sqlx::postgres::PgPool;
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use super::event::{MigrationEvent, Place, Tell, Wait, told_while};
use super::files::File;
use super::{TABLE, in_order};
use crate::store::db::connect::reach::connect_beside;
use crate::store::db::query;
use crate::store::{Result, Store, StoreError};

/// `tokenmig`.
const LOCK: i64 = 0x746f_6b65_6e6d_6967;

/// How long one waits before it asks for the lock again.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Limits that are there for requests. The server learns within a minute that the machine at the other end is gone.
const OPTIONS: [(&str, &str); 6] = [
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("lock_timeout", "0"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

/// The limits of this transaction, also where a pooler ignores `options`, and those that not every version of Postgres has.
const NO_LIMITS: &str = "
    select set_config(name, '0', true) from pg_settings
    where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout', 'transaction_timeout')";

/// Has Postgres (14 and later, on Linux) end what it does for a process that is gone, and give up the lock.
const CHECK_CLIENT: &str = "select set_config('client_connection_check_interval', '5s', false)";

const HOLDER: &str = "
    select l.pid, a.usename::text, nullif(a.application_name, ''), host(a.client_addr),
        to_char(a.backend_start at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
    from pg_locks l left join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and (l.classid::bigint << 32) + l.objid::bigint = $1
        and l.database = (select oid from pg_database where datname = current_database())";

const IS_INVALID: &str = "
    select exists (
        select from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.oid = to_regclass($1) and not i.indisvalid)";

const PROGRESS: &str = "
    select p.phase, p.blocks_total, p.blocks_done, p.tuples_total, p.tuples_done, p.current_locker_pid
    from pg_stat_progress_create_index p where p.pid = $1";

pub(super) async fn migrate(
    store: &Store,
    pool: &PgPool,
    pending: &[&File],
    tell: Tell<'_>,
) -> Result<()> {
    store.refresh_url().await;
    let mut session = connect(pool).await?;
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut session)
        .await?;
    for (place, file) in in_order(pending) {
        let progress = move || find_progress(store, pid).boxed();
        if file.postgres.no_tx {
            make_index(&mut session, &place, file, tell, progress).await?;
        } else {
            apply(&mut session, &place, file, tell, progress).await?;
        }
    }
    // What is left to do ends with the process.
    let _ = session.close().await;
    Ok(())
}

async fn connect(pool: &PgPool) -> Result<PgConnection> {
    let server = pool.connect_options();
    let server = (*server).clone().application_name("token-server migrate");
    let server = server.options(OPTIONS);
    let mut session = connect_beside(pool, &server).await?;
    // An older version has no such setting, and another system does not permit it.
    let _ = sqlx::query(CHECK_CLIENT).execute(&mut session).await;
    Ok(session)
}

/// Applies a migration in a transaction that holds the lock, if it is still to be done.
async fn apply<'a>(
    session: &mut PgConnection,
    place: &Place,
    file: &File,
    tell: Tell<'_>,
    progress: impl Fn() -> BoxFuture<'a, Option<String>>,
) -> Result<()> {
    let mut wait = Wait::new(tell);
    loop {
        let mut tx = session.begin().await?;
        sqlx::query(NO_LIMITS).execute(&mut *tx).await?;
        if is_locked(&mut tx, "select pg_try_advisory_xact_lock($1)").await? {
            if is_pending(&mut tx, file).await? {
                tell(&MigrationEvent::Begun(place.clone()));
                let applying = tx.apply(TABLE, &file.postgres);
                let applied = told_while(applying, place, tell, progress).await;
                applied.map_err(StoreError::Migration)?;
                tx.commit().await?;
                tell(&MigrationEvent::Applied(place.clone()));
            }
            return Ok(());
        }
        tx.rollback().await?;
        wait.for_holder(find_holder(session).await?);
        sleep(ASK_EVERY).await;
    }
}

/// Makes an index concurrently in a session that holds the lock, if it is still to be done.
async fn make_index<'a>(
    session: &mut PgConnection,
    place: &Place,
    file: &File,
    tell: Tell<'_>,
    progress: impl Fn() -> BoxFuture<'a, Option<String>>,
) -> Result<()> {
    let mut wait = Wait::new(tell);
    while !is_locked(session, "select pg_try_advisory_lock($1)").await? {
        wait.for_holder(find_holder(session).await?);
        sleep(ASK_EVERY).await;
    }
    if is_pending(session, file).await? {
        tell(&MigrationEvent::Begun(place.clone()));
        if let Some(index) = &file.index {
            drop_invalid(session, index, tell).await?;
        }
        let applying = session.apply(TABLE, &file.postgres);
        let applied = told_while(applying, place, tell, progress).await;
        applied.map_err(StoreError::Migration)?;
        tell(&MigrationEvent::Applied(place.clone()));
    }
    if !is_locked(session, "select pg_advisory_unlock($1)").await? {
        tracing::warn!(
            "the migration lock stays on another connection: migrate without a pooler in transaction mode"
        );
    }
    Ok(())
}

/// What a function of the lock says.
async fn is_locked(session: &mut PgConnection, sql: &'static str) -> Result<bool> {
    let asked = sqlx::query_scalar(sql).bind(LOCK);
    Ok(asked.fetch_one(session).await?)
}

async fn find_holder(session: &mut PgConnection) -> Result<String> {
    type Holder = (
        i32,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let found: Option<Holder> = sqlx::query_as(HOLDER)
        .bind(LOCK)
        .fetch_optional(session)
        .await?;
    let Some((pid, user, application, address, since)) = found else {
        return Ok("a process that is just ending".to_owned());
    };
    let known = [
        ("user", user),
        ("application", application),
        ("address", address),
        ("connected since", since),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, value)| Some(format!(", {name} {}", value?)));
    Ok(format!("pid {pid}{}", known.collect::<String>()))
}

async fn is_pending(session: &mut PgConnection, file: &File) -> Result<bool> {
    let has_table = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null");
    let has_table: bool = has_table.fetch_one(&mut *session).await?;
    let applied = async {
        if !has_table {
            session.ensure_migrations_table(TABLE).await?;
        }
        session.list_applied_migrations(TABLE).await
    };
    let applied = applied.await.map_err(StoreError::Migration)?;
    Ok(applied.iter().all(|it| it.version != file.version()))
}

/// An index whose making was killed stays, is never used and slows every write down. No other process makes it now: that
/// one would hold the lock.
async fn drop_invalid(session: &mut PgConnection, index: &str, tell: Tell<'_>) -> Result<()> {
    let is_invalid = sqlx::query_scalar(IS_INVALID).bind(index);
    if is_invalid.fetch_one(&mut *session).await? {
        tell(&MigrationEvent::DroppingInvalidIndex(index.to_owned()));
        let drop = sqlx::AssertSqlSafe(format!("drop index concurrently {index}"));
        sqlx::raw_sql(drop).execute(session).await?;
    }
    Ok(())
}

/// How far the making of an index is; `None` for another migration, or if that cannot be asked now.
async fn find_progress(store: &Store, pid: i32) -> Option<String> {
    let mut conn = store.acquire_read().await.ok()?;
    let pid = i64::from(pid);
    let found = query(PROGRESS)
        .bind(&[&pid])
        .fetch_optional(&mut conn, |row| {
            let share =
                |total: i64, done: i64| (total > 0).then(|| done.saturating_mul(100) / total);
            let share = share(row.get("tuples_total")?, row.get("tuples_done")?)
                .or(share(row.get("blocks_total")?, row.get("blocks_done")?));
            let mut text: String = row.get("phase")?;
            if let Some(share) = share {
                text += &format!(", {share}%");
            }
            if let holder @ 1.. = row.get::<i64>("current_locker_pid")? {
                text += &format!(", waiting for pid {holder}");
            }
            Ok(text)
        });
    found.await.ok().flatten()
}
