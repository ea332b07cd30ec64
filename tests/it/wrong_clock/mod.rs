//! A clock that is wrong for a while destroys nothing: what would be removed, rotated or ended by time stays until it is
//! right again, on this replica and on all others. On Postgres the server goes by the database's clock.

mod confirm;
mod database;
mod guard;
mod keys;
mod removals;
mod revocations;
mod single_use;

use token_server::app::error::Result;
use token_server::base::clock::Clock;
use token_server::domain::ErrorCode;

use crate::harness::{Database, NOW, TestApp};

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;

/// Another replica of the same service, with a clock of its own.
async fn replica(test: &TestApp, settings: &[(&str, &str)]) -> TestApp {
    TestApp::on(test.database.clone(), settings).await
}

/// A service whose clock was so far ahead already when it started; `None` on SQLite, where nothing could tell.
async fn started_ahead(database: &Database, seconds: i64) -> Option<TestApp> {
    let clock = Clock::fixed_ahead(NOW, seconds);
    let test = TestApp::at(clock, database.clone(), &[]).await;
    test.app.store().has_own_clock().then_some(test)
}

/// How many rows there are.
async fn rows(test: &TestApp, table: &str, column: &str) -> u64 {
    let sql = format!("update {table} set {column} = {column}");
    test.database.execute(&sql).await
}

/// What needs a trusted time has none.
fn assert_held_back<T: std::fmt::Debug>(done: Result<T>) {
    let error = done.unwrap_err();
    assert_eq!(error.code, ErrorCode::TemporarilyUnavailable);
    assert!(
        error.description.contains("while the clock may be wrong"),
        "{error}"
    );
}
