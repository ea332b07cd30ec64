//! Tokens that were good, or are good elsewhere: another issuer's, another audience's, a revoked one, an expired one,
//! and those of a client that is disabled or gone.

use serde_json::json;
use token_server::domain::ClientStatus;

use super::{Doors, assertion_key, service};
use crate::harness::{Signer, TestApp};
use crate::oauth::Caller;
use crate::oauth::assertion::claims;

#[tokio::test]
async fn another_servers_token_is_refused() {
    for alg in ["HS256", "ES256"] {
        let test = service(alg).await;
        let doors = Doors::of(&test).await;
        let no_limit = ("SIGNING_ALG", alg);
        let key = ("SECRET", "another secret for tests, of more than 32 bytes");
        for (name, settings) in [
            (
                "another issuer",
                [no_limit, ("ISSUER", "https://other.test")],
            ),
            ("another key", [no_limit, key]),
        ] {
            let other = TestApp::with(&settings).await;
            let token = Caller::new(&other, "gateway", "", "").await.token().await;

            doors.refuse(&format!("{alg}: {name}"), &token).await;
        }
    }
}

#[tokio::test]
async fn another_audiences_token_is_refused_where_an_audience_is_required() {
    let test = service("ES256").await;
    let mail = Caller::new(&test, "mailer", "", "https://mail.test").await;
    let api = Caller::service(&test, "api", "https://api.test").await;
    let token = mail.token().await;

    for audience in [
        "https://api.test",
        "https://mail.test.evil.test",
        "https://mail",
    ] {
        let path = format!("/verify?audience={audience}");
        let refused = test.post_form(&path, &[("token", &token)]).await;
        refused.assert_error(401, "invalid_token");
        let path = format!(
            "/verify/requiring/audience={}/",
            audience.replace('/', "%2F")
        );
        let bearer = format!("Bearer {token}");
        let refused = test.get_with(&path, &[("authorization", &bearer)]).await;
        refused.assert_error(401, "invalid_token");
    }
    assert_eq!(api.introspect(&token).await.text(), r#"{"active":false}"#);
    let foreign = api.revoke(&token).await;
    foreign.assert_error(400, "unauthorized_client");
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn a_token_that_lost_its_standing_is_refused() {
    let test = service("ES256").await;
    let doors = Doors::of(&test).await;
    let off = Caller::new(&test, "off", "", "").await;
    let gone = Caller::new(&test, "gone", "", "").await;
    let revoked = doors.good_token().await;
    let (disabled, deleted) = (off.token().await, gone.token().await);
    assert_eq!(doors.caller.revoke(&revoked).await.status, 200);
    let status = ClientStatus::Disabled;
    let id = "off".parse().unwrap();
    test.set_client_status(&id, status).await;
    test.delete_client(&"gone".parse().unwrap()).await;

    doors.refuse("revoked", &revoked).await;
    for (name, token) in [
        ("of a disabled client", disabled),
        ("of a deleted client", deleted),
    ] {
        doors.refuse_as_good_token(name, &token).await;
        doors.refuse_as_assertion(name, &token).await;
    }

    let expired = doors.good_token().await;
    test.clock.advance(4_000);
    doors.refuse("expired", &expired).await;
}

/// Replayed, expired, from the future, oversized, and of a client that is disabled.
#[tokio::test]
async fn an_assertion_that_lost_its_standing_is_refused() {
    let test = service("ES256").await;
    let doors = Doors::of(&test).await;
    let signer = assertion_key(&test).await;
    let sign = |signer: &Signer, change: &serde_json::Value| {
        signer.sign(json!({"kid": "k"}), &super::with(&claims(), change))
    };
    let replayed = sign(&signer, &json!({}));
    let first = crate::oauth::assertion::present(&test, &replayed).await;
    assert_eq!(first.status, 200, "{}", first.text());

    for (name, jwt) in [
        ("replayed", replayed),
        ("expired", sign(&signer, &json!({"iat": 1, "exp": 2}))),
        (
            "from the future",
            sign(
                &signer,
                &json!({"iat": 1_800_000_300, "exp": 1_800_000_360}),
            ),
        ),
        ("not yet", sign(&signer, &json!({"nbf": 1_800_000_300}))),
        (
            "for too long",
            sign(&signer, &json!({"exp": 1_900_000_000})),
        ),
        (
            "oversized",
            sign(&signer, &json!({"filler": "x".repeat(20_000)})),
        ),
        (
            "for another server",
            sign(&signer, &json!({"aud": "https://other.test"})),
        ),
        (
            "for two servers",
            sign(
                &signer,
                &json!({"aud": ["https://tokens.test", "https://other.test"]}),
            ),
        ),
        (
            "of another client",
            sign(&signer, &json!({"iss": "gateway", "sub": "gateway"})),
        ),
        (
            "of nobody",
            sign(&signer, &json!({"iss": "nobody", "sub": "nobody"})),
        ),
        (
            "about another client",
            sign(&signer, &json!({"sub": "gateway"})),
        ),
        ("without a jti", sign(&signer, &json!({"jti": null}))),
        ("without an exp", sign(&signer, &json!({"exp": null}))),
    ] {
        doors.refuse_as_assertion(name, &jwt).await;
    }
    let good = sign(&signer, &json!({}));
    let status = ClientStatus::Disabled;
    let id = crate::harness::CLIENT.parse().unwrap();
    test.set_client_status(&id, status).await;
    doors
        .refuse_as_assertion("of a disabled client", &good)
        .await;
}
