//! When the clock is trusted, and how operators learn that it is not.

use super::{DAY, assert_held_back, replica, started_ahead};
use crate::harness::{Database, Log, NOW, TestApp};
use crate::metrics::Operator;

/// On Postgres only the difference from the database's clock counts.
#[tokio::test]
async fn a_jump_of_five_seconds_is_trusted_and_one_of_six_is_not() {
    let test = TestApp::new().await;
    let has_own_clock = test.app.store().has_own_clock();
    let (small, large) = if has_own_clock { (30, 31) } else { (5, 6) };
    for small in [0, small, -small] {
        test.clock.set_ahead(small);
        test.app.core.trusted_time().await.unwrap();
    }
    for large in [large, -large, DAY, -DAY] {
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
    for wrong in [30, -30, 31, -31] {
        let Some(test) = started_ahead(&database, wrong).await else {
            return;
        };
        let trusted = test.app.core.trusted_time().await;
        assert_eq!(test.app.metrics().clock_difference, wrong);
        if wrong.abs() > 30 {
            assert_held_back(trusted);
        } else {
            assert_eq!(trusted.unwrap().time(), NOW);
        }
    }
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
    assert_eq!(said("removes, rotates and expires nothing by time"), 1);
    assert_eq!(said("the server trusts the clock again"), 1);
}

#[tokio::test]
async fn a_metric_is_1_while_removal_is_held_back() {
    let test = TestApp::new().await;
    let operator = Operator::of(&test);
    let other = replica(&test, &[]).await;
    let metric = async || operator.page().await.get("removal_held_back");

    test.app.core.compare_clocks().await.unwrap();
    assert_eq!(metric().await, 0);
    test.clock.set_ahead(DAY);
    test.app.core.compare_clocks().await.unwrap();
    assert_eq!(metric().await, 1);
    test.clock.set_ahead(0);
    test.app.core.compare_clocks().await.unwrap();

    assert_eq!(metric().await, 0);
    assert!(!other.app.metrics().removal_is_held_back);
}
