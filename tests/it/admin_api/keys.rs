//! Signing keys.

use serde_json::{Value, json};

use super::Robot;
use crate::harness::TestApp;

#[tokio::test]
async fn keys_are_listed_rotated_prepared_and_retired() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let robot = Robot::new(&test).await;
    let listed = robot.get("/keys").await;
    assert_eq!(listed.json()["signing_alg"], "ES256");
    assert!(!listed.text().contains("sealed_key"));
    let of_state = |listed: &Value, state: &str| {
        let keys = listed["keys"].as_array().unwrap().iter();
        let mut keys = keys.filter(|key| key["state"] == state);
        keys.next().map(|key| key["kid"].clone())
    };
    let (active, next) = (
        of_state(&listed.json(), "active"),
        of_state(&listed.json(), "next"),
    );

    let early = robot.post("/keys/rotate", &json!({})).await;
    early.assert_error(503, "temporarily_unavailable");
    let done = robot
        .post("/keys/rotate", &json!({"now": true}))
        .await
        .json();
    assert_eq!(
        (Some(&done["active"]), Some(&done["retired"])),
        (next.as_ref(), active.as_ref())
    );
    let prepared = robot
        .post("/keys/prepare", &json!({"alg": "EdDSA"}))
        .await
        .json();
    let again = robot
        .post("/keys/prepare", &json!({"alg": "EdDSA"}))
        .await
        .json();
    assert_eq!(prepared, again);
    let path = |kid: &Value| format!("/keys/{}/retire", kid.as_str().unwrap());
    assert_eq!(
        robot
            .post(&path(&prepared["next"]), &json!({}))
            .await
            .status,
        204
    );
    robot
        .post(&path(&prepared["next"]), &json!({}))
        .await
        .assert_error(404, "not_found");
    robot
        .post(&path(&done["active"]), &json!({}))
        .await
        .assert_error(400, "invalid_request");
    robot
        .post(&path(&done["retired"]), &json!({}))
        .await
        .assert_error(409, "conflict");
    for alg in ["HS256", "none", "es256"] {
        let answer = robot.post("/keys/prepare", &json!({"alg": alg})).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_key_that_does_not_sign_is_deleted() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let robot = Robot::new(&test).await;
    let signing = test.app.keys.current().signing().unwrap().kid().clone();
    let path = format!("/keys/{signing}");
    let refused = robot.send("DELETE", &path, &[], None).await;
    refused.assert_error(400, "invalid_request");
    let listed = robot.get("/keys").await.json();
    assert_eq!(listed["keys"][0]["live_tokens_at_most"], 0);
    robot.post("/keys/rotate", &json!({"now": true})).await;
    // The robot's own token is under it.
    let robot = {
        let secret = super::register(&test, "other", "admin:write").await;
        let token = super::token(&test, "other", &secret, "").await;
        Robot { test: &test, token }
    };

    let done = robot.send("DELETE", &path, &[], None).await;

    assert_eq!((done.status, done.text()), (204, ""));
    let again = robot.send("DELETE", &path, &[], None).await;
    again.assert_error(404, "not_found");
}
