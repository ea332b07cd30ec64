//! Migrations that take long, wait or are killed, and what is told of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use token_server::app::App;
use token_server::base::clock::Clock;
use token_server::store::{MigrationEvent, Migrations, StoreError};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::harness::{Connection, Database, NOW, config};

/// A migration and the text that makes its index.
const INDEX: (&str, &str) = (
    "0201_index_of_big",
    "-- no-transaction\ncreate index concurrently if not exists big_a on big (a);\n",
);

/// Finds a row while the making of an index in this database waits for a transaction.
const INDEX_WAITS: &str = "select from pg_stat_progress_create_index \
                           where current_locker_pid > 0 and datname = current_database()";

const BIG: (&str, &str) = ("0200_big", "create table big (a bigint not null);\n");

/// What a process that migrates has told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn hear(&self, event: &MigrationEvent) {
        self.0.lock().unwrap().push(event.to_string());
    }

    fn has(&self, text: &str) -> bool {
        self.0.lock().unwrap().iter().any(|it| it.contains(text))
    }

    async fn until(&self, text: &str) {
        for _ in 0..1_500 {
            if self.has(text) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{text}: {:?}", self.0.lock().unwrap());
    }
}

/// Starts a process that brings the database to this version and the further migrations.
fn start(
    database: &Database,
    further: &'static [(&str, &str)],
) -> (Told, JoinHandle<Result<(), StoreError>>) {
    let short = [
        ("DATABASE_STATEMENT_TIMEOUT", "1s"),
        ("DATABASE_ACQUIRE_TIMEOUT", "20s"),
    ];
    let config = config(&database.url, &short);
    let told = Told::default();
    let hearing = told.clone();
    let running = tokio::spawn(async move {
        let app = App::open(config, Clock::fixed(NOW)).unwrap();
        let migrations = Migrations::with(further);
        let store = app.store();
        store
            .migrate_to(&migrations, &|event| hearing.hear(event))
            .await
    });
    (told, running)
}

/// A table that a migration locks, and a transaction that has it locked.
async fn shut_gate(database: &Database) -> Connection {
    database.execute("create table gate (a bigint)").await;
    let mut gate = database.begin().await;
    gate.run("lock table gate").await;
    gate
}

/// The table of [`BIG`], and a transaction that has written to it: an index over it is made when that has ended.
async fn write_to_big(database: &Database) -> Connection {
    start(database, &[BIG]).1.await.unwrap().unwrap();
    let mut earlier = database.begin().await;
    earlier.run("insert into big values (1)").await;
    earlier
}

async fn until_some(connection: &mut Connection, sql: &str) {
    for _ in 0..1_500 {
        if connection.run(sql).await > 0 {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("{sql}");
}

/// Ends the sessions of those that migrate this database, as a crash of the machine does.
async fn kill(database: &Database) {
    let killed = database
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity \
             where application_name = 'token-server migrate' and datname = current_database()",
        )
        .await;
    assert_eq!(killed, 1);
}

#[tokio::test]
async fn of_several_that_start_at_once_one_applies_each_migration() {
    const FURTHER: &[(&str, &str)] = &[
        BIG,
        INDEX,
        ("0202_row", "insert into big (a) values (1);\n"),
    ];
    let database = Database::empty().await;

    let running: Vec<_> = (0..4).map(|_| start(&database, FURTHER)).collect();
    let mut applied = 0;
    for (told, process) in running {
        process.await.unwrap().unwrap();
        applied += usize::from(told.has("0202 row, is applied"));
    }

    assert_eq!(applied, 1);
    assert_eq!(database.execute("update big set a = 2").await, 1);
    // It fails where there is none.
    database.execute("drop index big_a").await;
}

/// Each limit of a request is one second here.
#[tokio::test]
async fn a_migration_may_take_longer_than_a_request_and_is_told_of_meanwhile() {
    const SLOW: &[(&str, &str)] = &[(
        "0200_slow",
        "select pg_sleep(6);\ncreate table slow (a bigint);\n",
    )];
    let database = Database::fresh().await;
    if !database.is_postgres() {
        return;
    }

    let (told, process) = start(&database, SLOW);
    process.await.unwrap().unwrap();

    assert!(told.has("migration 1 of 1, 0200 slow, has run for 5 s"));
    assert!(told.has("migration 1 of 1, 0200 slow, is applied"));
    database.execute("drop table slow").await;
}

#[tokio::test]
async fn who_waits_for_another_says_for_whom() {
    const SLOW: &[(&str, &str)] = &[(
        "0200_slow",
        "lock table gate;\ncreate table slow (a bigint);\n",
    )];
    let database = Database::fresh().await;
    if !database.is_postgres() {
        return;
    }
    let mut gate = shut_gate(&database).await;

    let (first, one) = start(&database, SLOW);
    first.until("migration 1 of 1, 0200 slow, begins").await;
    let (second, other) = start(&database, SLOW);
    second
        .until("waiting for the migration lock, which pid ")
        .await;
    gate.run("commit").await;

    for process in [one, other] {
        process.await.unwrap().unwrap();
    }
    assert!(second.has("application token-server migrate"));
    assert!(second.has("connected since 20"));
    assert!(!second.has("is applied"));
}

#[tokio::test]
async fn who_waits_for_a_writer_of_the_file_says_so_and_waits_on() {
    const FURTHER: &[(&str, &str)] = &[BIG];
    let database = Database::fresh().await;
    if database.is_postgres() {
        return;
    }
    let mut writer = database.begin().await;

    let (told, process) = start(&database, FURTHER);
    told.until("another process that writes to the database file")
        .await;
    // Beyond the deadline of a request.
    sleep(Duration::from_secs(2)).await;
    writer.run("rollback").await;

    process.await.unwrap().unwrap();
    database.execute("drop table big").await;
}

/// The one that makes the index waits for a transaction that began before it, and the other one for the lock; whoever held
/// a snapshot while it waits would wait for ever.
#[tokio::test]
async fn an_index_is_made_while_others_write_and_another_process_waits() {
    const FURTHER: &[(&str, &str)] = &[BIG, INDEX];
    let database = Database::fresh().await;
    if !database.is_postgres() {
        return;
    }
    let mut earlier = write_to_big(&database).await;

    let (first, one) = start(&database, FURTHER);
    first.until("0201 index of big, begins").await;
    let mut beside = database.connect().await;
    until_some(&mut beside, INDEX_WAITS).await;
    let (second, other) = start(&database, FURTHER);
    second
        .until("waiting for the migration lock, which pid ")
        .await;
    let written = timeout(
        Duration::from_secs(10),
        database.execute("insert into big values (2)"),
    );
    assert_eq!(written.await.unwrap(), 1);
    first.until("waiting for writers before build").await;
    earlier.run("commit").await;

    for process in [one, other] {
        let ended = timeout(Duration::from_mins(1), process).await;
        ended.unwrap().unwrap().unwrap();
    }
    assert_eq!(valid_indexes(&mut beside).await, 1);
}

async fn valid_indexes(connection: &mut Connection) -> u64 {
    let valid = "select from pg_index where indexrelid = to_regclass('big_a') and indisvalid";
    connection.run(valid).await
}

#[tokio::test]
async fn an_index_that_was_left_half_made_is_dropped_and_made_again() {
    const FURTHER: &[(&str, &str)] = &[BIG, INDEX];
    let database = Database::fresh().await;
    if !database.is_postgres() {
        return;
    }
    let mut earlier = write_to_big(&database).await;
    let (_, killed) = start(&database, FURTHER);
    let mut beside = database.connect().await;
    until_some(&mut beside, INDEX_WAITS).await;
    kill(&database).await;
    assert!(killed.await.unwrap().is_err());
    earlier.run("commit").await;
    let left = "select from pg_index where indexrelid = to_regclass('big_a') and not indisvalid";
    assert_eq!(beside.run(left).await, 1);

    let (told, process) = start(&database, FURTHER);
    process.await.unwrap().unwrap();

    assert!(told.has("dropping the index big_a, which an earlier run left incomplete"));
    assert_eq!(valid_indexes(&mut beside).await, 1);
}

#[tokio::test]
async fn of_a_migration_that_was_killed_nothing_is_left_and_the_next_start_applies_it() {
    const TWO: &[(&str, &str)] = &[(
        "0200_two",
        "create table one (a bigint);\nlock table gate;\ncreate table two (a bigint);\n",
    )];
    let database = Database::fresh().await;
    if !database.is_postgres() {
        return;
    }
    let mut gate = shut_gate(&database).await;
    let (_, killed) = start(&database, TWO);
    let mut beside = database.connect().await;
    let waits = "select from pg_stat_activity where application_name = 'token-server migrate' \
                 and datname = current_database() and wait_event_type = 'Lock'";
    until_some(&mut beside, waits).await;
    kill(&database).await;
    assert!(killed.await.unwrap().is_err());
    gate.run("commit").await;
    let tables = "select from pg_class where relname in ('one', 'two')";
    assert_eq!(beside.run(tables).await, 0);

    start(&database, TWO).1.await.unwrap().unwrap();

    assert_eq!(beside.run(tables).await, 2);
}

/// Given up, and not killed: the connection is used again.
#[tokio::test]
async fn of_a_migration_of_a_file_that_was_given_up_nothing_is_left() {
    const TWO: &[(&str, &str)] = &[(
        "0200_two",
        "create table one (a bigint);\n\
         insert into one with recursive n (i) as (select 1 union all select i + 1 from n where i < 300000) \
         select i from n;\n\
         create table two (a bigint);\n",
    )];
    let database = Database::fresh().await;
    if database.is_postgres() {
        return;
    }
    let (told, given_up) = start(&database, TWO);
    told.until("migration 1 of 1, 0200 two, begins").await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    assert!(!told.has("is applied"));

    start(&database, TWO).1.await.unwrap().unwrap();

    assert_eq!(database.execute("delete from one").await, 300_000);
    database.execute("drop table two").await;
}
