//! Which sets at a `jwks_uri` are used, and which keys of a set.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Page, Publisher, header, log_in};
use crate::admin_api::Robot;
use crate::harness::{Log, Signer, TestApp};
use crate::oauth::assertion::register;

#[tokio::test]
async fn what_is_no_key_set_is_not_used() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Silence);
    let mut private = signer.jwk("k");
    private["d"] = json!("AQAB");
    let padded = format!("{}{}", signer.jwks("k"), " ".repeat(70_000));

    for page in [
        Page::Silence,
        Page::Endless,
        Page::Text(padded),
        Page::Text(String::new()),
        Page::Text("<html>".to_owned()),
        Page::Text(r#"{"keys":[]}"#.to_owned()),
        Page::Text(json!({"keys": [private]}).to_string()),
        Page::Status(StatusCode::NO_CONTENT),
        Page::Status(StatusCode::NOT_FOUND),
        Page::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Page::Redirect(signer.jwks("k")),
    ] {
        publisher.show(page);
        let test = publisher.allowed(&[]).await;
        register(&test, publisher.uri()).await;
        assert_eq!(log_in(&test, &signer, header("k")).await, 401);
    }
    // Each was asked for once: the redirect was not followed.
    assert_eq!(publisher.asked(), 11);
}

/// Keys of which none can be used, as they stand at real servers, and what the log tells of each.
fn unusable_keys() -> Vec<(Value, &'static str)> {
    let mut private = Signer::new("EdDSA").jwk("private");
    private["d"] = json!("c2VjcmV0");
    let mut half = Signer::new("ES256").jwk("half");
    half.as_object_mut().unwrap().remove("y");
    let short = "w".repeat(171);
    vec![
        (
            json!({"kty": "RSA", "kid": "short", "n": short, "e": "AQAB"}),
            "(kid `short`)",
        ),
        (
            json!({"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}),
            "(kid `shared`)",
        ),
        (half, "(kid `half`)"),
        (private, "(kid `private`)"),
        (
            json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AQAB"}),
            "keys[4]",
        ),
        (json!("text"), "keys[5]"),
    ]
}

#[tokio::test]
async fn an_unusable_key_is_skipped_with_a_log_line_and_the_others_are_used() {
    let log = Log::default();
    let _guard = log.capture();
    let signer = Signer::new("ES256");
    let mut keys: Vec<Value> = unusable_keys().into_iter().map(|(key, _)| key).collect();
    let mut good = signer.jwk("k");
    good["alg"] = Value::Null;
    keys.push(good);
    let page = format!("\u{feff}{}", json!({ "keys": keys }));
    let publisher = Publisher::start(Page::Text(page));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;

    assert_eq!(log_in(&test, &signer, header("k")).await, 200);

    let logged = log.text();
    let lines: Vec<&str> = logged
        .lines()
        .filter(|it| it.contains("skips a key"))
        .collect();
    assert_eq!(lines.len(), 6, "{logged}");
    for ((_, told), line) in unusable_keys().iter().zip(&lines) {
        assert!(line.contains(told) && line.contains("WARN"), "{line}");
    }
    assert!(!logged.contains("c2VjcmV0"), "{logged}");
}

#[tokio::test]
async fn of_many_keys_the_first_twenty_are_used() {
    let signers = [Signer::new("ES256"), Signer::new("ES256")];
    let mut keys = vec![Signer::new("EdDSA").jwk("other"); 19];
    keys.extend([signers[0].jwk("20"), signers[1].jwk("21")]);
    let publisher = Publisher::start(Page::Text(json!({ "keys": keys }).to_string()));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;

    assert_eq!(log_in(&test, &signers[0], header("20")).await, 200);
    assert_eq!(log_in(&test, &signers[1], header("21")).await, 401);
}

#[tokio::test]
async fn a_set_without_a_usable_key_leaves_the_old_keys_in_use() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;
    assert_eq!(log_in(&test, &signer, header("k")).await, 200);

    let keys: Vec<Value> = unusable_keys().into_iter().map(|(key, _)| key).collect();
    publisher.show(Page::Text(json!({ "keys": keys }).to_string()));
    test.clock.advance(300);

    assert_eq!(log_in(&test, &signer, header("k")).await, 200);
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn at_registration_each_unusable_key_is_refused_by_its_position() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let good = Signer::new("ES256").jwk("k");

    // A kind of key that is unknown here is no fault (RFC 7517 §5).
    for (key, _) in unusable_keys()
        .into_iter()
        .filter(|(key, _)| key["kty"] != "AKP")
    {
        let jwks = json!({"keys": [good, key]});
        let body = json!({"client_id": "new", "auth_methods": ["private_key_jwt"], "jwks": jwks});
        let answer = robot.post("/clients", &body).await;

        answer.assert_error(400, "invalid_request");
        assert!(answer.text().contains("keys[1]: "), "{}", answer.text());
    }
}
