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
    let failed = "tokens cannot be issued and verified: issuing: the server has no signing key";
    assert_eq!(said(failed), 1, "{}", log.text());
    assert_eq!(said("tokens can be issued and verified again"), 1);
}

#[tokio::test]
async fn the_canary_leaves_no_trace() {
    let test = TestApp::new().await;
    let revoked = test.app.tokens.revocations().count();

    assert_eq!(test.get("/readyz").await.status, 200);
    let metrics = test.app.metrics();

    assert!(metrics.self_test_passes);
    assert_eq!(metrics.tokens_issued, 0);
    let verified = metrics
        .caches
        .iter()
        .find(|cache| cache.name == "verified_tokens");
    assert_eq!(verified.map(|cache| cache.entries), Some(0));
    assert_eq!(metrics.revocations, revoked);
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

/// SQLite has no clock but this machine's.
#[tokio::test]
async fn who_has_a_clock_far_from_the_databases_is_not_ready_and_is_when_it_is_right() {
    let test = TestApp::new().await;
    let has_own_clock = test.app.store().has_own_clock();

    for wrong in [90, -90, 31] {
        test.clock.set_ahead(wrong);
        let answer = test.get("/readyz").await;
        if has_own_clock {
            answer.assert_error(503, "temporarily_unavailable");
            assert!(answer.text().contains(&format!("by {wrong} s")));
        } else {
            assert_eq!(answer.status, 200);
        }
    }
    for right in [30, -30, 0] {
        test.clock.set_ahead(right);
        assert_eq!(test.get("/readyz").await.status, 200);
    }
}

#[tokio::test]
async fn how_far_a_clock_may_be_from_the_databases_is_a_setting() {
    let test = TestApp::with(&[("MAX_CLOCK_DIFFERENCE", "2m")]).await;

    for (ahead, is_ready) in [(120, true), (-120, true), (121, false), (-121, false)] {
        test.clock.set_ahead(ahead);
        let is_ready = is_ready || !test.app.store().has_own_clock();
        assert_eq!(test.get("/readyz").await.status == 200, is_ready, "{ahead}");
        let trusted = test.app.core.trusted_time().await;
        assert_eq!(
            trusted.is_ok(),
            is_ready && test.app.store().has_own_clock()
        );
    }
}

#[tokio::test]
async fn a_clock_that_differs_is_told_once() {
    let test = TestApp::new().await;
    let log = Log::default();
    let guard = log.capture();

    for seconds in [5, 6, 90, 6, -5, 0, -6, 0] {
        test.clock.set_ahead(seconds);
        test.app.core.compare_clocks().await.unwrap();
    }
    drop(guard);

    let said = |text: &str| log.text().matches(text).count();
    let on_postgres = |times: usize| times * usize::from(test.app.store().has_own_clock());
    let begins = "this machine's clock differs from the database's by";
    assert_eq!(
        said("by 6 s: the server uses the database's"),
        on_postgres(1)
    );
    // Once more, with 90 s, as the reason why nothing is removed.
    assert_eq!(said(begins), on_postgres(3), "{}", log.text());
    assert_eq!(said("agrees with the database's again"), on_postgres(2));
}

/// The Postgres of the tests shares this machine's clock.
#[tokio::test]
async fn the_clock_of_the_database_is_measured() {
    let database = Database::fresh().await;
    let clock = Clock::system();
    let app = App::open(config(&database.url, &[]), clock.clone()).unwrap();
    assert_eq!(clock.database_time(), None);
    let difference = |app: &App| app.metrics().clock_difference;
    assert_eq!(difference(&app), 0);

    app.core.compare_clocks().await.unwrap();

    if app.store().has_own_clock() {
        let measured = clock.database_time().unwrap();
        assert!(measured.since(clock.wall()).abs() < 5);
        assert!(clock.now().since(clock.wall()).abs() < 5);
        assert!(difference(&app).abs() < 5);
    } else {
        assert_eq!(clock.database_time(), None);
    }
    app.store().close().await;
}
