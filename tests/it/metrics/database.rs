//! What is told of the database and of changes that come by it.

use super::Operator;
use crate::harness::{BY, CLIENT, TestApp};

#[tokio::test]
async fn the_lag_is_the_age_of_the_last_reading() {
    let test = TestApp::new().await;
    let operator = Operator::of(&test);
    let lag = async || operator.page().await.get("feed_lag_seconds");

    assert_eq!(lag().await, 0);
    test.clock.advance(30);
    assert_eq!(lag().await, 30);
    test.read_changes().await;

    assert_eq!(lag().await, 0);
}

#[tokio::test]
async fn changes_of_others_are_counted_when_they_are_heeded() {
    let here = TestApp::new().await;
    let there = here.replica().await;
    let secret = here.client().await;
    let token = here.token(&secret).await;
    here.app.tokens.revoke(BY, &token).await.unwrap();

    there.read_changes().await;
    let page = Operator::of(&there).page().await;

    assert_eq!(page.get("feed_changes_total"), 1);
    assert_eq!(page.get("feed_reloads_total"), 1);
    assert_eq!(page.get("revocations{of=\"token\"}"), 1);
}

#[tokio::test]
async fn the_state_and_what_is_refused_in_it_are_told() {
    let test = TestApp::with(&[("STALE_LIMIT", "60s")]).await;
    let operator = Operator::of(&test);
    let secret = test.client().await;
    let state = async || {
        let page = operator.page().await;
        let is_in = |state: &&str| page.get(&format!("readiness{{state=\"{state}\"}}")) == 1;
        let states: Vec<_> = ["starting", "ready", "degraded", "stale"]
            .into_iter()
            .filter(is_in)
            .collect();
        let refused =
            |state: &str| page.get(&format!("database_refusals_total{{state=\"{state}\"}}"));
        (states, refused("degraded"), refused("stale"))
    };
    test.token(&secret).await;
    assert_eq!(state().await, (vec!["ready"], 0, 0));

    test.app.store().close().await;
    assert!(test.app.replication.read_changes().await.is_err());
    let known = test.authorize(CLIENT, &secret).await.status;
    let unknown = test.authorize("nobody", "a guess").await.status;
    assert_eq!((known, unknown), (200, 503));
    assert_eq!(state().await, (vec!["degraded"], 1, 0));

    test.clock.advance(61);
    assert!(test.app.replication.read_changes().await.is_err());
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 503);
    assert_eq!(state().await, (vec!["stale"], 1, 1));
    let page = operator.page().await;
    assert_eq!(page.get("feed_failures_total"), 2);
    assert!(page.get("database_failures_total{reason=\"connection\"}") >= 2);
}

#[tokio::test]
async fn connections_and_calls_are_told() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.token(&secret).await;

    let page = Operator::of(&test).page().await;

    assert_eq!(page.get("database_connections_limit{pool=\"requests\"}"), 4);
    assert_eq!(page.get("database_connections_limit{pool=\"feed\"}"), 1);
    if !test.database.is_postgres() {
        let writes = page.get("database_connections_limit{pool=\"writes\"}");
        assert_eq!(writes, 1);
    }
    let connections = |state| {
        page.get(&format!(
            "database_connections{{pool=\"requests\",state=\"{state}\"}}"
        ))
    };
    assert!(connections("idle") + connections("used") >= 1);
    let calls = page.get("database_call_seconds_count");
    assert!(calls >= 1);
    assert_eq!(page.get("database_wait_seconds_count"), calls);
}
