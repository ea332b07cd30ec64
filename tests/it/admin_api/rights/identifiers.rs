//! No program gives a client an identifier or takes one away.

use serde_json::json;

use super::{billing, find};
use crate::admin_api::Robot;
use crate::harness::{CLIENT, TestApp, id};

#[tokio::test]
async fn no_request_gives_a_client_an_identifier_or_takes_one_away() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let before = billing(&test).await;
    let secret = "a secret of my own";
    let apply = |client| json!({"version": 1, "name": "team", "clients": [client]});
    for (method, path, body) in [
        (
            "POST",
            "/clients",
            json!({"client_id": "new", "identifiers": ["https://own.test"]}),
        ),
        (
            "PATCH",
            "/clients/billing",
            json!({"identifiers": ["https://own.test", "https://a.test"]}),
        ),
        ("PATCH", "/clients/billing", json!({"identifiers": []})),
        (
            "PATCH",
            "/clients/billing",
            json!({"name": "mine", "identifiers": ["https://a.test"]}),
        ),
        (
            "POST",
            "/transfer/import",
            json!([{"client_id": "new", "client_secret": secret, "identifiers": ["https://a.test"]}]),
        ),
        (
            "POST",
            "/transfer/import?on_conflict=replace",
            json!([{"client_id": "billing", "client_secret": secret, "identifiers": "https://a.test"}]),
        ),
        (
            "POST",
            "/transfer/import?on_conflict=replace",
            json!([{"client_id": "billing", "client_secret": secret, "identifiers": null}]),
        ),
        (
            "POST",
            "/transfer/apply",
            apply(json!({"client_id": "new", "identifiers": ["https://a.test"]})),
        ),
        (
            "POST",
            "/transfer/apply",
            apply(json!({"client_id": "billing", "identifiers": ["https://a.test"]})),
        ),
        (
            "POST",
            "/transfer/apply",
            apply(json!({"client_id": "billing"})),
        ),
    ] {
        let answer = robot
            .send(method, path, &[("if-match", "*")], Some(&body))
            .await;
        answer.assert_error(403, "access_denied");
        let told = answer.text();
        assert!(
            told.contains("identifiers are reserved: only an owner at the portal"),
            "{told}"
        );
        // A file names its row.
        let row = body["clients"][0]
            .get("client_id")
            .or(body[0].get("client_id"));
        assert!(
            row.is_none_or(|id| told.contains(id.as_str().unwrap())),
            "{told}"
        );
        assert_eq!(find(&test, CLIENT).await, before, "{method} {path} {body}");
        assert!(!test.app.store().has_client(&id("new")).await.unwrap());
    }
}

#[tokio::test]
async fn identifiers_that_stay_as_they_are_are_no_change() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    billing(&test).await;
    let secret = "a secret of my own";
    let own = json!(["https://own.test"]);
    let apply = |client| json!({"version": 1, "name": "team", "clients": [client]});
    for (method, path, body) in [
        (
            "POST",
            "/clients",
            json!({"client_id": "new", "identifiers": []}),
        ),
        (
            "PATCH",
            "/clients/billing",
            json!({"name": "one", "identifiers": own}),
        ),
        ("PATCH", "/clients/billing", json!({"name": "two"})),
        (
            "POST",
            "/transfer/import",
            json!([{"client_id": "billing", "client_secret": secret, "identifiers": own}]),
        ),
        (
            "POST",
            "/transfer/import?on_conflict=replace",
            json!([{"client_id": "billing", "client_secret": secret, "identifiers": own}]),
        ),
        (
            "POST",
            "/transfer/import?on_conflict=replace",
            json!([{"client_id": "billing", "client_secret": secret}]),
        ),
        (
            "POST",
            "/transfer/apply",
            apply(json!({"client_id": "billing", "name": "three", "identifiers": own})),
        ),
        ("POST", "/clients/billing/disable", json!({})),
        ("POST", "/clients/billing/enable", json!({})),
        ("POST", "/clients/billing/release", json!({})),
    ] {
        let answer = robot
            .send(method, path, &[("if-match", "*")], Some(&body))
            .await;
        assert!(
            [200, 201].contains(&answer.status),
            "{method} {path} {body}: {}",
            answer.text()
        );
        let identifiers = find(&test, CLIENT).await.client.identifiers;
        assert_eq!(
            identifiers.to_string(),
            "https://own.test",
            "{method} {path} {body}"
        );
    }
    // The others are open to a program, as before.
    let deleted = robot.delete("/clients/billing", "*").await;
    assert_eq!(deleted.status, 204);
}
