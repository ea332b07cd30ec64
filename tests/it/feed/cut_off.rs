//! Without its database a replica judges tokens, and serves the clients in memory for a while.

use super::{id, scope, set_scope};
use crate::harness::{BY, CLIENT, Log, TestApp};

/// The default of `STALE_LIMIT`, in seconds.
const LIMIT: i64 = 900;

/// A service that knows its client and has lost its database; the client's secret.
async fn cut_off() -> (TestApp, String) {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.token(&secret).await;
    test.app.store().close().await;
    fail_to_read(&test).await;
    (test, secret)
}

async fn fail_to_read(test: &TestApp) {
    test.app.replication.read_changes().await.unwrap_err();
}

async fn readiness(test: &TestApp) -> (u16, String) {
    let answer = test.get("/readyz").await;
    (answer.status, answer.json()["status"].to_string())
}

#[tokio::test]
async fn known_clients_go_on_and_others_are_told_to_try_again() {
    let (test, secret) = cut_off().await;

    let token = test.token(&secret).await;
    assert_eq!(test.verify(&token).await.status, 200);
    for (client_id, secret) in [("nobody", "guess"), (CLIENT, "wrong")] {
        let refused = test.authorize(client_id, secret).await;
        refused.assert_error(503, "temporarily_unavailable");
        assert_eq!(refused.header("retry-after"), "1");
    }
    assert_eq!(
        readiness(&test).await,
        (200, r#""degraded: database""#.to_owned())
    );
    assert_eq!(test.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn after_the_limit_no_client_is_served_and_tokens_are_judged_still() {
    let (test, secret) = cut_off().await;
    let token = test.token(&secret).await;

    test.clock.advance(LIMIT);
    fail_to_read(&test).await;
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
    test.clock.advance(1);
    fail_to_read(&test).await;

    let userinfo = format!("{CLIENT}:{secret}");
    let grant = [("grant_type", "client_credentials")];
    for refused in [
        test.authorize(CLIENT, &secret).await,
        test.post_basic("/token", &userinfo, &grant).await,
        test.post_basic("/introspect", &userinfo, &[("token", &token)])
            .await,
        test.post_basic("/revoke", &userinfo, &[("token", &token)])
            .await,
        test.get("/readyz").await,
    ] {
        refused.assert_error(503, "temporarily_unavailable");
        assert_eq!(refused.header("retry-after"), "1");
    }
    assert_eq!(test.verify(&token).await.status, 200);
    test.verify("forged")
        .await
        .assert_error(401, "invalid_token");
    assert_eq!(test.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn the_limit_is_a_setting() {
    let test = TestApp::with(&[("STALE_LIMIT", "1m")]).await;
    let secret = test.client().await;
    test.token(&secret).await;
    test.app.store().close().await;

    test.clock.advance(61);
    fail_to_read(&test).await;

    test.authorize(CLIENT, &secret)
        .await
        .assert_error(503, "temporarily_unavailable");
}

#[tokio::test]
async fn the_limit_counts_from_the_last_reading_that_succeeded() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.token(&secret).await;
    test.clock.advance(3_000);
    test.read_changes().await;
    test.app.store().close().await;

    test.clock.advance(LIMIT);
    fail_to_read(&test).await;

    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
}

#[tokio::test]
async fn a_client_that_is_known_to_have_changed_is_not_served_from_memory() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    assert_eq!(scope(&other, &secret).await, "read write");
    set_scope(&test, "other").await;
    other.read_changes().await;

    other.app.store().close().await;
    fail_to_read(&other).await;

    other
        .authorize(CLIENT, &secret)
        .await
        .assert_error(503, "temporarily_unavailable");
}

#[tokio::test]
async fn revoking_is_refused_and_not_forgotten() {
    let (test, secret) = cut_off().await;
    let token = test.token(&secret).await;

    let userinfo = format!("{CLIENT}:{secret}");
    test.post_basic("/revoke", &userinfo, &[("token", &token)])
        .await
        .assert_error(503, "temporarily_unavailable");

    assert_eq!(test.verify(&token).await.status, 200);
    assert!(test.app.tokens.revoke_client(BY, &id()).await.is_err());
}

/// Long enough to be over the limit, with requests all the while; then it comes back.
async fn go_through_an_outage(test: &TestApp, secret: &str) {
    let mut connection = test.database.connect().await;
    connection.run("alter table changes rename to lost").await;
    for seconds in [0, 1, LIMIT, 1] {
        test.clock.advance(seconds);
        fail_to_read(test).await;
        test.authorize(CLIENT, secret).await;
        test.authorize("nobody", "guess").await;
        test.get("/readyz").await;
    }
    connection.run("alter table lost rename to changes").await;
    for _ in 0..3 {
        test.read_changes().await;
    }
}

#[tokio::test]
async fn each_change_of_state_is_one_line() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.token(&secret).await;
    let log = Log::default();
    let guard = log.capture();

    go_through_an_outage(&test, &secret).await;
    drop(guard);

    let logged = log.text();
    let lines: Vec<_> = logged
        .lines()
        .filter(|line| line.contains("app::replication::"))
        .map(|line| {
            let line: serde_json::Value = token_server::base::json::from_str(line).unwrap();
            let message = line["message"].as_str().unwrap();
            let told = message.split_once(['(', ';', ':']).unwrap().0;
            format!("{} {told}", line["level"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "WARN cannot read changes",
        "ERROR the server could not read changes for 900 s ",
        "INFO the database answers again",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn it_is_ready_again_without_a_restart() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.token(&secret).await;
    let mut connection = test.database.connect().await;
    connection.run("alter table changes rename to lost").await;
    test.clock.advance(LIMIT + 1);
    fail_to_read(&test).await;
    test.authorize(CLIENT, &secret)
        .await
        .assert_error(503, "temporarily_unavailable");

    connection.run("alter table lost rename to changes").await;
    test.read_changes().await;

    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
    test.authorize("nobody", "guess")
        .await
        .assert_error(401, "invalid_client");
    assert_eq!(readiness(&test).await, (200, r#""ready""#.to_owned()));
}
