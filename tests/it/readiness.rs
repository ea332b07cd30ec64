//! The canary in /readyz: ready is who can issue a token and verify it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use token_server::app::App;
use token_server::base::clock::Clock;
use token_server::http::{AppState, router};
use tokio::runtime::Handle;
use tower::ServiceExt;

use crate::harness::{Answer, Database, Log, NOW, TestApp, config};

/// A service whose signing keys have not been made yet.
async fn without_keys(clock: &Clock) -> (Arc<App>, AppState, Database) {
    let database = Database::fresh().await;
    let config = config(&database.url, &[("SIGNING_ALG", "ES256")]);
    let app = Arc::new(App::open(config, clock.clone()).unwrap());
    app.replication.read_changes().await.unwrap();
    let state = AppState::new(Arc::clone(&app));
    (app, state, database)
}

async fn readyz(state: &AppState) -> Answer {
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let router = router(state.clone(), &Handle::current());
    Answer::read(router.oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn who_cannot_issue_a_token_is_not_ready_and_is_when_it_can() {
    let clock = Clock::fixed(NOW);
    let (app, state, _database) = without_keys(&clock).await;

    let before = readyz(&state).await;
    before.assert_error(503, "temporarily_unavailable");
    assert_eq!(before.header("retry-after"), "1");
    app.keys.start().await.unwrap();

    assert_eq!(readyz(&state).await.text(), r#"{"status":"ready"}"#);
}

#[tokio::test]
async fn each_change_is_told_once() {
    let clock = Clock::fixed(NOW);
    let (app, state, _database) = without_keys(&clock).await;
    let log = Log::default();
    let guard = log.capture();

    for _ in 0..3 {
        readyz(&state).await;
    }
    app.keys.start().await.unwrap();
    for _ in 0..3 {
        clock.advance(1);
        readyz(&state).await;
    }
    drop(guard);

    let said = |text: &str| log.text().matches(text).count();
    let failed = "tokens cannot be issued and verified: issuing: no signing key is known";
    assert_eq!(said(failed), 1, "{}", log.text());
    assert_eq!(said("tokens can be issued and verified again"), 1);
}

#[tokio::test]
async fn the_canary_leaves_no_trace() {
    let test = TestApp::new().await;
    let revoked = test.app.tokens.revocations().count();

    assert_eq!(test.get("/readyz").await.status, 200);
    let figures = test.app.metrics();

    assert!(figures.self_test_passes);
    assert_eq!(figures.tokens_issued, 0);
    let verified = figures
        .caches
        .iter()
        .find(|cache| cache.name == "verified_tokens");
    assert_eq!(verified.map(|cache| cache.entries), Some(0));
    assert_eq!(figures.revocations, revoked);
}

/// It is how long a replica without its database still serves those whom it knows.
#[tokio::test]
async fn the_canary_needs_no_database() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;

    test.app.store().close().await;
    assert!(test.app.replication.read_changes().await.is_err());
    test.clock.advance(1);

    let degraded = r#"{"status":"degraded: database"}"#;
    assert_eq!(test.get("/readyz").await.text(), degraded);
}

#[tokio::test]
async fn who_has_a_wrong_clock_is_not_ready_and_is_when_it_is_right() {
    let test = TestApp::new().await;

    for wrong in [90, -90, 31] {
        test.app.core.note_clock_difference(wrong);
        let answer = test.get("/readyz").await;
        answer.assert_error(503, "temporarily_unavailable");
        assert!(answer.text().contains(&format!("by {wrong} s")));
    }
    for right in [30, -30, 0] {
        test.app.core.note_clock_difference(right);
        assert_eq!(test.get("/readyz").await.status, 200);
    }
}

#[tokio::test]
async fn a_clock_that_differs_is_told_once() {
    let test = TestApp::new().await;
    let log = Log::default();
    let guard = log.capture();

    for seconds in [5, 6, 90, 6, -5, 0, -6, 0] {
        test.app.core.note_clock_difference(seconds);
    }
    drop(guard);

    let said = |text: &str| log.text().matches(text).count();
    assert_eq!(
        said("differs from the database's by 6 s"),
        1,
        "{}",
        log.text()
    );
    assert_eq!(said("differs from the database's"), 2);
    assert_eq!(said("agrees with the database's again"), 2);
}

/// SQLite has no clock but this machine's; a Postgres of the tests shares it.
#[tokio::test]
async fn the_clock_is_compared_with_that_of_the_database() {
    for ahead in [0, 1_000] {
        let clock = Clock::fixed_ahead(NOW, ahead);
        let test = TestApp::at(clock, Database::fresh().await, &[]).await;

        test.app.core.compare_clocks().await.unwrap();

        let store = test.app.store();
        let has_its_own = store.product() == "Postgres";
        let seen = test.app.metrics().clock_difference;
        assert_eq!(seen, if has_its_own { ahead } else { 0 });
        // By the true clocks of both.
        let reading = store.read_clock(&Clock::system()).await.unwrap();
        let difference = reading.difference();
        assert_eq!(difference.is_some(), has_its_own);
        assert!(difference.is_none_or(|it| it.abs() < 60), "{difference:?}");
    }
}
