//! The secrets of a client, and how it is used.

use serde_json::{Value, json};

use super::Robot;
use crate::harness::{CLIENT, NOW, TestApp};

#[tokio::test]
async fn a_secret_is_rotated_with_overlap_and_its_use_is_told() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let robot = Robot::new(&test).await;
    let added = robot.post("/clients/billing/secrets", &json!({})).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let new = added.json()["client_secret"].as_str().unwrap().to_owned();
    for secret in [&old, &new, &new] {
        assert_eq!(test.authorize(CLIENT, secret).await.status, 200);
    }
    test.app.write_usage().await.unwrap();

    let listed = robot.get("/clients/billing/secrets").await;
    assert!(!listed.text().contains("argon2") && !listed.text().contains(&new));
    let secrets = listed.json()["secrets"].as_array().unwrap().clone();
    let ours = secrets
        .iter()
        .find(|it| it["secret_id"] == added.json()["secret_id"]);
    let ours = ours.unwrap();
    assert_eq!(
        (&ours["uses_24h"], &ours["last_used_from"]),
        (&json!(2), &json!("192.0.2.1"))
    );
    assert_eq!(ours["last_used_at"], NOW.0);

    let path = |id: &Value| format!("/clients/billing/secrets/{}/expire", id.as_str().unwrap());
    let other = secrets
        .iter()
        .find(|it| it["secret_id"] != added.json()["secret_id"]);
    let later = json!({"expires_at": NOW.0 + 60});
    let ended = robot
        .post(&path(&other.unwrap()["secret_id"]), &later)
        .await;
    assert_eq!(ended.json()["expires_at"], NOW.0 + 60);
    assert_eq!(test.authorize(CLIENT, &old).await.status, 200);
    test.clock.advance(60);
    assert_eq!(test.authorize(CLIENT, &old).await.status, 401);
    let ended = robot
        .post(&path(&added.json()["secret_id"]), &json!({}))
        .await;
    assert_eq!(ended.status, 200);
    assert_eq!(test.authorize(CLIENT, &new).await.status, 401);

    let nothing = robot.post(&path(&json!("AAAAAAAA")), &json!({})).await;
    nothing.assert_error(404, "not_found");
    let malformed = robot.post(&path(&json!("x")), &json!({})).await;
    malformed.assert_error(400, "invalid_request");
    let past = json!({"expires_at": NOW.0});
    let answer = robot.post("/clients/billing/secrets", &past).await;
    answer.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn the_use_of_a_client_is_told_by_the_hour() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let robot = Robot::new(&test).await;
    let nothing = robot.get("/clients/billing/usage").await.json();
    assert_eq!(
        (&nothing["last_used_at"], &nothing["hours"]),
        (&Value::Null, &json!([]))
    );
    let token = test.token(&secret).await;
    test.verify(&token).await;
    test.app.write_usage().await.unwrap();

    let usage = robot.get("/clients/billing/usage").await.json();

    assert_eq!(
        usage["total"],
        json!({"issued": 1, "refused": 0, "verified": 1})
    );
    assert_eq!(usage["hours"].as_array().unwrap().len(), 1);
    assert_eq!(usage["last_used_at"], NOW.0);
    let later = format!("/clients/billing/usage?since={}", NOW.0 + 7_200);
    assert_eq!(robot.get(&later).await.json()["hours"], json!([]));
    let early = "/clients/billing/usage?since=2020-01-01T00:00:00Z";
    assert_eq!(robot.get(early).await.json(), usage);
    let wrong = robot.get("/clients/billing/usage?since=yesterday").await;
    wrong.assert_error(400, "invalid_request");
    robot
        .get("/clients/nobody/usage")
        .await
        .assert_error(404, "not_found");
}

#[tokio::test]
async fn a_secret_is_removed_and_nothing_is_left_of_it() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let robot = Robot::new(&test).await;
    let added = robot.post("/clients/billing/secrets", &json!({})).await;
    let listed = robot.get("/clients/billing/secrets").await.json();
    let first = listed["secrets"].as_array().unwrap().iter();
    let mut first = first.filter(|it| it["secret_id"] != added.json()["secret_id"]);
    let secret_id = first.next().unwrap()["secret_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/clients/billing/secrets/{secret_id}");

    let gone = robot.send("DELETE", &path, &[], None).await;

    assert_eq!((gone.status, gone.text()), (204, ""));
    assert_eq!(gone.header("cache-control"), "no-store");
    assert_eq!(test.authorize(CLIENT, &old).await.status, 401);
    let left = robot.get("/clients/billing/secrets").await.json();
    assert_eq!(left["secrets"].as_array().unwrap().len(), 1);
    let again = robot.send("DELETE", &path, &[], None).await;
    again.assert_error(404, "not_found");
}
