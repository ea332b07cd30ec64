//! The header and the claims of an assertion.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use token_server::domain::{ClientChanges, ExpectedVersion};

use super::{claims, es256, inline, key, present, present_at, register, with, without};
use crate::harness::{BY, CLIENT, NOW, Signer, TestApp, id};

/// RFC 10070 (draft-ietf-oauth-rfc7523bis-11 §4): the issuer identifier of the server is the sole value.
#[tokio::test]
async fn the_audience_is_the_issuer_alone() {
    let (test, signer) = es256().await;
    for aud in [json!("https://tokens.test"), json!(["https://tokens.test"])] {
        for path in ["/token", "/authorize"] {
            let assertion = signer.sign(key(), &with("aud", aud.clone()));
            let answer = present_at(&test, path, &assertion, &[]).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    for aud in [
        json!("https://tokens.test/authorize"),
        json!("https://other.test"),
        json!("https://tokens.test/"),
        json!(["https://tokens.test", "https://tokens.test"]),
        json!(["https://tokens.test", "https://tokens.test/token"]),
        json!(["https://tokens.test", "https://other.test"]),
        json!([]),
    ] {
        let refused = present(&test, &signer.sign(key(), &with("aud", aud))).await;
        refused.assert_error(401, "invalid_client");
        assert!(
            refused.text().contains("must be https://tokens.test\""),
            "{}",
            refused.text()
        );
    }
}

/// Which clients may send it is told to nobody.
#[tokio::test]
async fn the_token_endpoint_is_an_audience_only_for_clients_that_may_send_it() {
    let (test, signer) = es256().await;
    let assertion = || signer.sign(key(), &with("aud", "https://tokens.test/token"));
    let refused = present(&test, &assertion()).await;
    refused.assert_error(401, "invalid_client");
    assert!(
        refused
            .text()
            .contains("the client is unknown or its credentials are wrong")
    );

    let mut changes = ClientChanges::default();
    changes.authentication.token_endpoint_as_audience = Some(true);
    let clients = &test.app.clients;
    clients
        .update(BY, &id(CLIENT), &ExpectedVersion::Any, changes)
        .await
        .unwrap();
    for path in ["/token", "/authorize"] {
        let answer = present_at(&test, path, &assertion(), &[]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    assert_eq!(test.app.metrics().token_endpoint_audiences, 2);
    let both = json!(["https://tokens.test", "https://tokens.test/token"]);
    let refused = present(&test, &signer.sign(key(), &with("aud", both))).await;
    refused.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn the_type_is_absent_jwt_or_that_of_client_authentication() {
    let (test, signer) = es256().await;
    for typ in [
        "JWT",
        "jwt",
        "client-authentication+jwt",
        "application/client-authentication+jwt",
    ] {
        let assertion = signer.sign(json!({"kid": "k", "typ": typ}), &claims());
        assert_eq!(present(&test, &assertion).await.status, 200, "{typ}");
    }
    for typ in [
        "at+jwt",
        "dpop+jwt",
        "token-introspection+jwt",
        "JOSE",
        "",
        "authorization-grant+jwt",
    ] {
        let assertion = signer.sign(json!({"kid": "k", "typ": typ}), &claims());
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(
            refused.text().contains("`typ`"),
            "{typ}: {}",
            refused.text()
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_claims_is_refused_and_told() {
    let (test, signer) = es256().await;
    let now = NOW.0;

    for (claims, told) in [
        (without("iss"), "not a JWT"),
        (without("sub"), "not a JWT"),
        (without("aud"), "not a JWT"),
        (without("exp"), "not a JWT"),
        (without("jti"), "`jti`"),
        (with("jti", ""), "`jti`"),
        (with("exp", now - 30), "expired"),
        (with("exp", "soon"), "not a JWT"),
        (with("exp", now + 3_700), "longer than 3600 seconds"),
        (with("exp", i64::MAX), "longer than 3600 seconds"),
        (with("exp", 1e300), "longer than 3600 seconds"),
        (with("iat", now - 3_600), "longer than 3600 seconds"),
        (with("iat", now + 31), "in the future"),
        (with("nbf", now + 31), "in the future"),
    ] {
        let refused = present(&test, &signer.sign(key(), &claims)).await;
        refused.assert_error(401, "invalid_client");
        assert!(
            refused.text().contains(told),
            "{claims}: {}",
            refused.text()
        );
    }
}

/// Such an assertion could be of a trusted issuer, and which of these there are is told to nobody.
#[tokio::test]
async fn an_assertion_of_somebody_else_is_refused_without_a_word() {
    let (test, signer) = es256().await;
    for claims in [with("iss", "other"), with("sub", "other")] {
        let refused = present(&test, &signer.sign(key(), &claims)).await;
        refused.assert_error(401, "invalid_client");
        assert!(
            refused
                .text()
                .contains("the client is unknown or its credentials are wrong")
        );
    }
}

/// serde reads a struct also from an array of its members in their order.
#[tokio::test]
async fn arrays_are_neither_a_header_nor_claims() {
    let (test, signer) = es256().await;
    let good = claims();
    let members = json!([
        good["iss"],
        good["sub"],
        good["aud"],
        good["exp"],
        null,
        good["iat"],
        good["jti"]
    ]);

    for assertion in [
        signer.sign(key(), &members),
        signer.sign(json!(["ES256", "k", null]), &good),
    ] {
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("not a JWT"), "{}", refused.text());
    }
    assert_eq!(present(&test, &signer.sign(key(), &good)).await.status, 200);
}

#[tokio::test]
async fn a_clients_clock_may_differ_by_half_a_minute() {
    let (test, signer) = es256().await;
    let late = with("exp", NOW.0 - 29);
    let mut early = with("iat", NOW.0 + 30);
    early["nbf"] = json!(NOW.0 + 30);
    let fraction = with("exp", 1_800_000_059.25);

    for claims in [
        late,
        early,
        fraction,
        without("iat"),
        with("exp", NOW.0 + 3_600),
    ] {
        let answer = present(&test, &signer.sign(key(), &claims)).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_longest_lifetime_is_a_setting() {
    let test = TestApp::with(&[("CLIENT_ASSERTION_MAX_TTL", "5m")]).await;
    let signer = Signer::new("EdDSA");
    register(&test, inline(&signer.jwks("k"))).await;

    let good = present(&test, &signer.sign(key(), &with("exp", NOW.0 + 300))).await;
    let long = present(&test, &signer.sign(key(), &with("exp", NOW.0 + 301))).await;

    assert_eq!(good.status, 200, "{}", good.text());
    long.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn what_is_no_jwt_is_refused() {
    let (test, signer) = es256().await;
    let good = signer.sign(key(), &claims());
    let repeated = r#"{"iss":"billing","iss":"billing"}"#;
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);

    for assertion in [
        "a".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        good.replacen('.', ".x", 1),
        format!("{good}.{good}"),
        format!("{}.{}.AA", part(r#"{"alg":"ES256"}"#), part(repeated)),
        format!("{}.{}.AA", part("[]"), part("[]")),
        signer.sign(key(), &with("long", "x".repeat(9_000))),
        "x".repeat(60_000),
    ] {
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("not a JWT"), "{}", refused.text());
    }
}
