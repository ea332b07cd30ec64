//! When the clock is trusted, and how operators learn that it is not.

use token_server::app::NewSecret;
use token_server::base::clock::Clock;
use token_server::domain::ClientId;

use super::{DAY, assert_held_back, replica, started_ahead};
use crate::harness::{BY, CLIENT, Database, Log, NOW, TestApp};
use crate::metrics::Operator;

#[tokio::test]
async fn a_jump_of_five_seconds_is_trusted_and_one_of_six_is_not() {
    let test = TestApp::new().await;
    for small in [0, 5, -5] {
        test.clock.set_ahead(small);
        test.app.core.trusted_time().await.unwrap();
    }
    for large in [6, -6, DAY, -DAY] {
        test.clock.set_ahead(large);
        assert_held_back(test.app.core.trusted_time().await);
    }

    test.clock.set_ahead(0);
    let trusted = test.app.core.trusted_time().await.unwrap();

    assert_eq!(trusted.time(), test.clock.now());
}

#[tokio::test]
async fn a_clock_that_was_wrong_at_the_start_differs_from_that_of_postgres() {
    let database = Database::fresh().await;
    for wrong in [6, -6] {
        let Some(test) = started_ahead(&database, wrong).await else {
            return;
        };
        assert_held_back(test.app.core.trusted_time().await);
        assert_eq!(test.app.metrics().clock_difference, wrong);
    }
}

/// The process started with a clock that is behind: on SQLite nothing else can tell.
#[tokio::test]
async fn a_newest_event_from_the_future_is_a_reason_for_doubt_until_one_comes_after_it() {
    let database = Database::fresh().await;
    let ahead = TestApp::at(Clock::fixed(NOW.plus(6)), database.clone(), &[]).await;
    ahead.client().await;
    let test = TestApp::on(database, &[]).await;

    assert_held_back(test.app.core.trusted_time().await);
    test.clock.advance(1);
    test.app.core.trusted_time().await.unwrap();
    test.clock.advance(-1);
    let id = ClientId::parse(CLIENT).unwrap();
    let added = test.app.secrets.add(BY, &id, NewSecret::default()).await;
    added.unwrap();

    test.app.core.trusted_time().await.unwrap();
}

#[tokio::test]
async fn without_the_database_no_time_is_trusted() {
    let test = TestApp::new().await;

    test.app.store().close().await;

    assert!(test.app.core.trusted_time().await.is_err());
}

#[tokio::test]
async fn it_is_logged_once_when_it_begins_and_once_when_it_ends() {
    let test = TestApp::new().await;
    let log = Log::default();
    let guard = log.capture();

    for ahead in [0, 4, DAY, DAY, 0, 0] {
        test.clock.set_ahead(ahead);
        test.app.core.compare_clocks().await.unwrap();
    }
    drop(guard);

    let said = |text: &str| log.text().matches(text).count();
    assert_eq!(said("nothing is removed, rotated or ended"), 1);
    assert_eq!(said("the clock is trusted again"), 1);
}

#[tokio::test]
async fn a_metric_is_1_while_removal_is_held_back() {
    let test = TestApp::new().await;
    let operator = Operator::of(&test);
    let other = replica(&test, &[]).await;
    let figure = async || operator.page().await.get("removal_held_back");

    test.app.core.compare_clocks().await.unwrap();
    assert_eq!(figure().await, 0);
    test.clock.set_ahead(DAY);
    test.app.core.compare_clocks().await.unwrap();
    assert_eq!(figure().await, 1);
    test.clock.set_ahead(0);
    test.app.core.compare_clocks().await.unwrap();

    assert_eq!(figure().await, 0);
    assert!(!other.app.metrics().removal_is_held_back);
}
