//! A quota of tokens: it warns first, then refuses, and begins anew with each hour.

use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{ClientChanges, Scope, TokenQuota};

use crate::admin_api::Robot;
use crate::harness::{Answer, CLIENT, Database, NOW, TestApp, id, new_client};

const HOUR: i64 = 3_600;

fn quota(count: i64) -> Option<TokenQuota> {
    TokenQuota::from_count(count).ok()
}

async fn client_with(test: &TestApp, count: i64) -> String {
    test.register(NewClient {
        scopes: Scope::parse("read").unwrap(),
        token_quota: quota(count),
        ..new_client(CLIENT)
    })
    .await
}

fn limit(answer: &Answer) -> &str {
    answer.header("ratelimit")
}

#[tokio::test]
async fn four_fifths_warn_and_beyond_the_quota_it_is_429_until_the_hour_ends() {
    let test = TestApp::new().await;
    let secret = client_with(&test, 5).await;
    // NOW is a full hour.
    test.clock.advance(600);
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(test.authorize(CLIENT, &secret).await);
    }
    let refused = test.authorize(CLIENT, &secret).await;

    assert!(answers.iter().all(|answer| answer.status == 200));
    let warned: Vec<&str> = answers.iter().map(limit).collect();
    assert_eq!(
        warned,
        [
            "",
            "",
            "",
            r#""tokens";r=1;t=3000"#,
            r#""tokens";r=0;t=3000"#
        ]
    );
    assert_eq!(answers[2].header("ratelimit-policy"), "");
    assert_eq!(
        answers[3].header("ratelimit-policy"),
        r#""tokens";q=5;w=3600"#
    );
    refused.assert_error(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "3000");
    assert_eq!(refused.json()["success"], false);
    let metrics = test.app.metrics();
    assert_eq!((metrics.quotas, metrics.tokens_issued), ((2, 1), 5));
    test.clock.advance(3_000);
    let next = test.authorize(CLIENT, &secret).await;
    assert_eq!((next.status, limit(&next)), (200, ""));
}

#[tokio::test]
async fn the_standard_endpoint_warns_and_refuses_the_same() {
    let test = TestApp::new().await;
    let secret = client_with(&test, 1).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret.as_str()),
    ];

    let first = test.post_form("/token", &form).await;
    let second = test.post_form("/token", &form).await;

    assert_eq!(
        (first.status, limit(&first)),
        (200, r#""tokens";r=0;t=3600"#)
    );
    second.assert_error(429, "rate_limited");
    let request_id = second.header("x-request-id");
    let why = test.app.audit.explain_request(request_id).await.unwrap();
    assert_eq!(
        why[0].reason,
        "the client got 1 of its 1 tokens of this hour"
    );
    let explained = test.app.tokens.explain(CLIENT, None, None).await.unwrap();
    assert_eq!(explained.refusal.unwrap().error, "rate_limited");
}

#[tokio::test]
async fn what_is_refused_or_only_explained_uses_nothing_up() {
    let test = TestApp::new().await;
    let secret = client_with(&test, 1).await;
    let wrong = [
        ("client_id", CLIENT),
        ("client_secret", secret.as_str()),
        ("scope", "admin"),
    ];
    for _ in 0..3 {
        test.authorize(CLIENT, "wrong").await;
        assert_eq!(test.post_form("/authorize", &wrong).await.status, 400);
        test.app.tokens.explain(CLIENT, None, None).await.unwrap();
    }

    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
}

#[tokio::test]
async fn a_client_without_a_quota_is_neither_warned_nor_refused() {
    let test = TestApp::new().await;
    let secret = test.client().await;

    for _ in 0..50 {
        let answer = test.authorize(CLIENT, &secret).await;
        assert_eq!((answer.status, limit(&answer)), (200, ""));
    }
    assert_eq!(test.app.metrics().quotas, (0, 0));
}

#[tokio::test]
async fn replicas_learn_what_the_others_have_issued() {
    let database = Database::fresh().await;
    let one = TestApp::on(database.clone(), &[]).await;
    let other = TestApp::on(database, &[]).await;
    let secret = client_with(&one, 4).await;
    for test in [&one, &one, &other] {
        assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
    }
    for test in [&one, &other, &one] {
        test.app.write_usage().await.unwrap();
    }

    let last = other.authorize(CLIENT, &secret).await;
    let over = other.authorize(CLIENT, &secret).await;

    assert_eq!((last.status, limit(&last)), (200, r#""tokens";r=0;t=3600"#));
    assert_eq!(over.status, 429);
    // It knows three of the four as yet.
    assert_eq!(one.authorize(CLIENT, &secret).await.status, 200);
    one.app.write_usage().await.unwrap();
    other.app.write_usage().await.unwrap();
    one.app.write_usage().await.unwrap();
    assert_eq!(one.authorize(CLIENT, &secret).await.status, 429);
    // A new hour at all of them.
    one.clock.advance(HOUR);
    one.app.write_usage().await.unwrap();
    assert_eq!(one.authorize(CLIENT, &secret).await.status, 200);
}

#[tokio::test]
async fn a_changed_quota_counts_at_once() {
    let test = TestApp::new().await;
    let secret = client_with(&test, 1).await;
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 429);
    let change = async |quota| {
        let changes = ClientChanges {
            token_quota: Some(quota),
            ..ClientChanges::default()
        };
        test.update_client(&id(CLIENT), changes).await;
    };

    change(quota(3)).await;
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
    change(None).await;
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
    change(quota(1)).await;

    let refused = test.authorize(CLIENT, &secret).await;
    assert_eq!(refused.status, 429);
}

#[tokio::test]
async fn the_admin_api_sets_a_quota_and_refuses_a_senseless_one() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let new = json!({"client_id": "b", "token_quota": 10});
    let made = robot.post("/clients", &new).await;
    assert_eq!(made.json()["client"]["token_quota"], 10, "{}", made.text());

    let shown = robot.get("/clients/b").await;
    let etag = shown.header("etag");
    let changed = robot
        .patch("/clients/b", etag, &json!({"token_quota": null}))
        .await;
    assert_eq!(changed.json()["token_quota"], json!(null));
    for wrong in [json!(0), json!(-1), json!(1_000_000_001_i64)] {
        let answer = robot
            .patch("/clients/b", "*", &json!({ "token_quota": wrong }))
            .await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn how_far_a_client_is_is_known_where_it_is_not_served_too() {
    let database = Database::fresh().await;
    let one = TestApp::on(database.clone(), &[]).await;
    let other = TestApp::on(database, &[]).await;
    let secret = client_with(&one, 10).await;
    one.authorize(CLIENT, &secret).await;
    let client = one.find_client(&id(CLIENT)).await.client;
    let used = async |test: &TestApp| {
        let state = test.app.tokens.find_quota_state(&client).await.unwrap();
        state.unwrap().used
    };
    assert_eq!((used(&one).await, used(&other).await), (1, 0));

    one.app.write_usage().await.unwrap();

    assert_eq!((used(&one).await, used(&other).await), (1, 1));
    let state = one
        .app
        .tokens
        .find_quota_state(&client)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(state.ends_at, NOW.plus(HOUR));
}
