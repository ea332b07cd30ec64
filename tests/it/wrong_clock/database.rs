//! On Postgres every replica goes by the database's time, whatever its own clock says. On SQLite there is one clock, and
//! these tests have nothing to show.

use token_server::app::App;
use token_server::base::clock::Clock;
use token_server::base::json;

use super::{DAY, YEAR, replica, rows, started_ahead};
use crate::harness::{BY, CLIENT, Database, Log, NOW, TestApp, config, id};
use crate::metrics::Operator;

/// The claims of a token, unverified.
fn claims(token: &str) -> serde_json::Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    json::from_slice(&payload.unwrap()).unwrap()
}

#[tokio::test]
async fn a_replica_with_another_clock_issues_and_verifies_by_the_databases_time() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    for wrong in [4, -4, 20, -20] {
        let Some(other) = started_ahead(&test.database, wrong).await else {
            return;
        };
        let token = other.token(&secret).await;

        assert_eq!(claims(&token)["iat"], NOW.0);
        assert_eq!(test.verify(&token).await.status, 200, "{wrong}");
        let ours = test.token(&secret).await;
        assert_eq!(other.verify(&ours).await.status, 200, "{wrong}");
        let expires_at = claims(&ours)["exp"].as_i64().unwrap();
        for (seconds, status) in [(4, 200), (5, 401)] {
            other
                .clock
                .advance(expires_at + seconds - other.clock.now().0);
            assert_eq!(other.verify(&ours).await.status, status, "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_replica_with_another_clock_removes_and_dates_by_the_databases_time() {
    let test = TestApp::new().await;
    test.client().await;
    let Some(ahead) = started_ahead(&test.database, 30).await else {
        return;
    };
    let behind = started_ahead(&test.database, -30).await.unwrap();
    ahead.authorize(CLIENT, "wrong").await;
    ahead.app.audit.write_rejected_requests().await.unwrap();

    let dated = format!("update rejected_requests set at = at where at = {}", NOW.0);
    assert_eq!(test.database.execute(&dated).await, 1);
    let retention = test.app.config().retention.refusals;
    for (age, left) in [(retention, 1), (retention + 1, 0)] {
        for replica in [&ahead, &behind] {
            let passed = NOW.0 + age - replica.clock.now().0;
            replica.clock.advance(passed);
            replica.app.audit.prune_rejected_requests().await.unwrap();
        }
        assert_eq!(rows(&test, "rejected_requests", "at").await, left);
    }
}

#[tokio::test]
async fn a_replica_with_another_clock_revokes_by_the_databases_time() {
    let test = TestApp::new().await;
    test.client().await;
    let Some(ahead) = started_ahead(&test.database, DAY).await else {
        return;
    };
    ahead
        .app
        .tokens
        .revoke_client(BY, &id(CLIENT))
        .await
        .unwrap();

    let now = NOW.0;
    for dated in [
        format!("update revocations set revoked_at = {now} where revoked_at = {now}"),
        format!(
            "update audit_events set at = {now} where at = {now} and action = 'client.revoke_tokens'"
        ),
    ] {
        assert_eq!(test.database.execute(&dated).await, 1, "{dated}");
    }
}

#[tokio::test]
async fn signing_keys_are_rotated_by_the_databases_time() {
    let settings = [("SIGNING_ALG", "ES256")];
    let test = TestApp::with(&settings).await;
    if !test.app.store().has_own_clock() {
        return;
    }
    let due = test.app.metrics().keys.rotation_due.unwrap();
    let active = async || {
        let keys = test.app.store().list_keys().await.unwrap();
        let active = keys.into_iter().find(|key| key.state.as_str() == "active");
        active.unwrap().kid
    };
    let first = active().await;
    let clock = Clock::fixed_ahead(due.plus(-1), 30);
    let ahead = TestApp::at(clock, test.database.clone(), &settings).await;

    ahead.app.keys.rotate_if_due().await.unwrap();
    assert_eq!(active().await, first);
    ahead.clock.advance(1);
    ahead.app.keys.rotate_if_due().await.unwrap();

    assert_ne!(active().await, first);
}

#[tokio::test]
async fn without_the_database_the_last_offset_holds() {
    let database = Database::fresh().await;
    let Some(test) = started_ahead(&database, 20).await else {
        return;
    };
    let secret = test.client().await;
    test.token(&secret).await;

    test.app.store().close().await;
    test.app.replication.read_changes().await.unwrap_err();
    test.app.core.compare_clocks().await.unwrap_err();
    test.clock.set_ahead(3 * DAY);
    test.clock.advance(60);

    assert_eq!(claims(&test.token(&secret).await)["iat"], NOW.0 + 60);
}

#[tokio::test]
async fn before_the_first_measurement_the_wall_clock_counts() {
    let database = Database::fresh().await;
    let clock = Clock::fixed_ahead(NOW, 20);
    let app = App::open(config(&database.url, &[]), clock.clone()).unwrap();
    assert_eq!(app.clock().now(), NOW.plus(20));

    app.core.compare_clocks().await.unwrap();

    let has_own_clock = app.store().has_own_clock();
    assert_eq!(
        app.clock().now(),
        if has_own_clock { NOW } else { NOW.plus(20) }
    );
    app.store().close().await;
}

#[tokio::test]
async fn a_database_that_is_set_ahead_is_followed_at_once_and_one_that_is_set_back_slowly() {
    let test = TestApp::new().await;
    if !test.app.store().has_own_clock() {
        return;
    }
    let log = Log::default();
    let guard = log.capture();
    test.clock.set_ahead(20);
    test.clock.set_database_ahead(20);
    test.app.core.compare_clocks().await.unwrap();
    assert_eq!(test.clock.now(), NOW.plus(20));
    test.app.core.compare_clocks().await.unwrap();

    // As a fail-over to a machine whose clock is 20 s behind. No time runs back.
    test.clock.set_database_ahead(0);
    let mut before = test.clock.now();
    for round in 1..=25 {
        test.clock.advance(10);
        let trusted = test.app.core.trusted_time().await.unwrap();
        // Nothing is removed before its end has come by the database's clock.
        assert_eq!(trusted.time(), NOW.plus(10 * round));
        let now = test.clock.now();
        assert!(now.since(before) >= 9, "{round}");
        before = now;
    }
    drop(guard);

    assert_eq!(before, NOW.plus(250));
    let said = |text: &str| log.text().matches(text).count();
    assert_eq!(said("the database's clock has moved by 20 s"), 1);
    assert_eq!(said("the database's clock has moved by -20 s"), 1);
    assert_eq!(said("has the database's time again"), 2, "{}", log.text());
}

#[tokio::test]
async fn replicas_that_follow_a_database_that_was_set_back_accept_each_others_tokens() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let late = replica(&test, &[]).await;
    for at in [&test, &late] {
        at.clock.set_database_ahead(-60);
        at.clock.advance(10);
    }
    test.app.core.compare_clocks().await.unwrap();

    // The other one measures ten seconds later.
    for (issuer, verifier) in [(&test, &late), (&late, &test)] {
        let token = issuer.token(&secret).await;
        assert_eq!(verifier.verify(&token).await.status, 200);
    }
}

#[tokio::test]
async fn another_time_of_the_database_makes_memory_neither_younger_nor_older() {
    let test = TestApp::with(&[("STALE_LIMIT", "60s")]).await;
    let operator = Operator::of(&test);
    for ahead in [YEAR, -YEAR] {
        test.clock.set_database_ahead(ahead);
        test.app.core.compare_clocks().await.unwrap();
        assert_eq!(operator.page().await.get("feed_lag_seconds"), 0, "{ahead}");
    }

    test.clock.set_database_ahead(0);
    test.app.core.compare_clocks().await.unwrap();
    test.app.store().close().await;
    test.app.replication.read_changes().await.unwrap_err();

    // And not stale.
    assert_eq!(
        operator.page().await.get("readiness{state=\"degraded\"}"),
        1
    );
}

/// Its own clock said something else when it started.
#[tokio::test]
async fn replicas_say_by_the_databases_time_when_they_started() {
    let database = Database::fresh().await;
    let Some(test) = started_ahead(&database, 30).await else {
        return;
    };
    test.clock.advance(100);
    test.app.replication.say_alive().await.unwrap();

    let replicas = test.app.replication.list_replicas().await.unwrap();

    assert_eq!(replicas[0].started_at, NOW);
    assert_eq!(replicas[0].seen_at, NOW.plus(100));
}

#[tokio::test]
async fn a_clock_within_the_difference_holds_no_client_back() {
    let database = Database::fresh().await;
    let Some(test) = started_ahead(&database, -30).await else {
        return;
    };
    let secret = test.client().await;
    test.token(&secret).await;
    test.app.write_usage().await.unwrap();

    let uses = test.app.usage.find_of_client(&id(CLIENT)).await.unwrap();

    assert_eq!(uses.last.unwrap().used_at, NOW);
    assert_eq!(test.get("/readyz").await.status, 200);
}
