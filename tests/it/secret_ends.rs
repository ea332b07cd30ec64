//! A rotation that ends by itself: the old secret dies some time after its last use, and never one that is in use.

use serde_json::{Value, json};
use token_server::app::{AuditFilter, AuditPage, NewSecret};
use token_server::domain::{ClientId, IdleExpiry, SecretId};

use crate::admin_api::Robot;
use crate::harness::{BY, CLIENT, TestApp};

const HOUR: i64 = 3_600;

/// `STALE_LIMIT` and a minute.
const SLACK: i64 = 15 * 60 + 60;

fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

/// The client with an old secret that ends after two hours without use, and a new one.
async fn rotating(test: &TestApp) -> (String, SecretId, String) {
    let old = test.client().await;
    let record = test.find_client(&id()).await;
    let secret_id = record.secrets[0].secret_id.clone();
    let added = test.app.secrets.add(BY, &id(), NewSecret::default()).await;
    let new = added.unwrap().plain.expose().clone();
    set(test, &secret_id, Some(2 * HOUR)).await;
    (old, secret_id, new)
}

async fn set(test: &TestApp, secret_id: &SecretId, seconds: Option<i64>) {
    let unused_for = seconds.map(|seconds| IdleExpiry::from_seconds(seconds).unwrap());
    test.app
        .secrets
        .set_idle_expiry(BY, &id(), secret_id, unused_for)
        .await
        .unwrap();
}

async fn ended(test: &TestApp) -> u64 {
    test.app.secrets.expire_idle().await.unwrap()
}

async fn log_in(test: &TestApp, secret: &str) -> u16 {
    let status = test.authorize(CLIENT, secret).await.status;
    test.app.write_usage().await.unwrap();
    status
}

#[tokio::test]
async fn a_secret_that_is_used_lives_on_and_dies_after_its_last_use() {
    let test = TestApp::new().await;
    let (old, _, new) = rotating(&test).await;
    for _ in 0..3 {
        test.clock.advance(HOUR + HOUR / 2);
        assert_eq!(log_in(&test, &old).await, 200);
        assert_eq!(ended(&test).await, 0);
    }
    test.clock.advance(2 * HOUR + SLACK - 1);
    assert_eq!(ended(&test).await, 0);
    test.clock.advance(1);

    assert_eq!((ended(&test).await, ended(&test).await), (1, 0));

    assert_eq!(log_in(&test, &old).await, 401);
    assert_eq!(log_in(&test, &new).await, 200);
}

#[tokio::test]
async fn a_secret_that_is_never_used_again_dies_after_it_was_said() {
    let test = TestApp::new().await;
    let (old, _, _) = rotating(&test).await;
    test.clock.advance(2 * HOUR + SLACK);

    assert_eq!(ended(&test).await, 1);
    assert_eq!(log_in(&test, &old).await, 401);
}

#[tokio::test]
async fn the_last_good_secret_stays() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let record = test.find_client(&id()).await;
    set(&test, &record.secrets[0].secret_id, Some(HOUR)).await;
    test.clock.advance(10 * HOUR);

    assert_eq!(ended(&test).await, 0);
    assert_eq!(log_in(&test, &secret).await, 200);
}

#[tokio::test]
async fn it_can_be_taken_back_and_goes_with_its_secret() {
    let test = TestApp::new().await;
    let (old, secret_id, _) = rotating(&test).await;
    set(&test, &secret_id, None).await;
    test.clock.advance(10 * HOUR);
    assert_eq!(ended(&test).await, 0);
    assert_eq!(log_in(&test, &old).await, 200);

    set(&test, &secret_id, Some(HOUR)).await;
    test.app
        .secrets
        .delete(BY, &id(), &secret_id)
        .await
        .unwrap();
    test.clock.advance(10 * HOUR);
    assert_eq!(ended(&test).await, 0);
    let left = test.find_client(&id()).await.secrets;
    assert!(
        left.iter().all(|secret| secret.unused_for.is_none()),
        "{left:?}"
    );
}

#[tokio::test]
async fn the_trail_has_what_was_set_and_what_came_of_it() {
    let test = TestApp::new().await;
    let (old, secret_id, _) = rotating(&test).await;
    log_in(&test, &old).await;
    test.clock.advance(2 * HOUR + SLACK);
    assert_eq!(ended(&test).await, 1);

    let filter = AuditFilter {
        action: Some("secret.expire".to_owned()),
        ..AuditFilter::default()
    };
    let events = test
        .app
        .audit
        .list(&filter, AuditPage::After(0), 10)
        .await
        .unwrap();

    let state = |text: &Option<String>| -> Value {
        token_server::base::json::from_str(text.as_deref().unwrap()).unwrap()
    };
    let (set, end) = (&events[0].event, &events[1].event);
    assert_eq!(state(&set.before), json!({"ends_unused_for": null}));
    assert_eq!(state(&set.after), json!({"ends_unused_for": 7_200}));
    assert_eq!(
        (end.actor_type.as_str(), &end.target),
        ("server", &secret_id.to_string())
    );
    assert_eq!(state(&end.before)["ends_unused_for"], 7_200);
    assert!(state(&end.before)["last_used_at"].is_i64());
    assert_eq!(state(&end.after)["expires_at"], test.clock.now().0);
    assert!(test.app.audit.verify(None).await.unwrap().good);
}

#[tokio::test]
async fn the_admin_api_sets_it_and_shows_it() {
    let test = TestApp::new().await;
    let (_, secret_id, _) = rotating(&test).await;
    let robot = Robot::new(&test).await;
    let path = format!("/clients/billing/secrets/{secret_id}/expire");

    let shown = async || -> Value {
        let listed = robot.get("/clients/billing/secrets").await.json();
        let mut secrets = listed["secrets"].as_array().unwrap().iter();
        let ours = secrets.find(|it| it["secret_id"] == secret_id.as_str());
        ours.unwrap()["ends_unused_for"].clone()
    };
    assert_eq!(shown().await, 7_200);
    let set = robot.post(&path, &json!({"unused_for": 3_600})).await;
    assert_eq!(set.json()["unused_for"], 3_600, "{}", set.text());
    assert_eq!(set.json()["expires_at"], Value::Null);
    let back = robot.post(&path, &json!({"unused_for": null})).await;
    assert_eq!(back.json()["unused_for"], Value::Null);
    assert_eq!(shown().await, Value::Null);
    for wrong in [
        json!({"unused_for": 60}),
        json!({"unused_for": 7_200, "expires_at": 1}),
    ] {
        let answer = robot.post(&path, &wrong).await;
        answer.assert_error(400, "invalid_request");
    }
    let other = "/clients/billing/secrets/AAAAAAAA/expire";
    let answer = robot.post(other, &json!({"unused_for": 7_200})).await;
    answer.assert_error(404, "not_found");
}
