//! The client behind an assertion: which one it is, what it may use, and how failures are counted.

use token_server::domain::{AuthMethods, AuthenticationChanges, ClientChanges, ClientStatus};

use super::{claims, es256, inline, key, present, present_at, register, without};
use crate::harness::{CLIENT, Signer, TestApp, id};

#[tokio::test]
async fn a_client_id_beside_the_assertion_has_to_be_the_same() {
    let (test, signer) = es256().await;
    let sign = || signer.sign(key(), &claims());

    let same = present_at(&test, "/token", &sign(), &[("client_id", CLIENT)]).await;
    let other = present_at(&test, "/token", &sign(), &[("client_id", "other")]).await;

    assert_eq!(same.status, 200, "{}", same.text());
    other.assert_error(401, "invalid_client");
    assert!(other.text().contains("`sub` is not the client_id"));
}

#[tokio::test]
async fn a_disabled_client_and_one_without_the_method_are_refused() {
    let (test, signer) = es256().await;
    let id = id(CLIENT);
    let present_one = async || present(&test, &signer.sign(key(), &claims())).await;
    assert_eq!(present_one().await.status, 200);

    test.set_client_status(&id, ClientStatus::Disabled).await;
    present_one().await.assert_error(401, "invalid_client");

    test.set_client_status(&id, ClientStatus::Enabled).await;
    let authentication = AuthenticationChanges {
        auth_methods: Some(AuthMethods::default()),
        ..AuthenticationChanges::default()
    };
    let changes = ClientChanges {
        authentication,
        ..ClientChanges::default()
    };
    test.update_client(&id, changes).await;
    present_one().await.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn failed_assertions_are_counted_and_a_good_one_is_not_locked_out() {
    let test = TestApp::with(&[("THROTTLE_CLIENT_FAILURES", "3")]).await;
    let (signer, stranger) = (Signer::new("EdDSA"), Signer::new("EdDSA"));
    register(&test, inline(&signer.jwks("k"))).await;
    for claims in [claims(), without("jti"), claims()] {
        let params = [("client_id", CLIENT)];
        let refused = present_at(&test, "/token", &stranger.sign(key(), &claims), &params).await;
        refused.assert_error(401, "invalid_client");
    }

    let refused = present(&test, &stranger.sign(key(), &claims())).await;
    refused.assert_error(429, "rate_limited");
    assert_eq!(
        present(&test, &signer.sign(key(), &claims())).await.status,
        200
    );
}

#[tokio::test]
async fn without_a_database_an_assertion_is_503() {
    let (test, signer) = es256().await;
    present(&test, &signer.sign(key(), &claims())).await;
    test.app.store().close().await;

    let answer = present(&test, &signer.sign(key(), &claims())).await;

    answer.assert_error(503, "temporarily_unavailable");
}

#[tokio::test]
async fn a_forged_assertion_never_gets_as_far_as_the_database() {
    let (test, signer) = es256().await;
    present(&test, &signer.sign(key(), &claims())).await;
    test.app.store().close().await;

    let forged = Signer::new("ES256").sign(key(), &claims());
    let answer = present(&test, &forged).await;

    answer.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn introspection_and_revocation_take_an_assertion_too() {
    let (test, signer) = es256().await;
    let answer = present(&test, &signer.sign(key(), &claims())).await;
    let token = answer.access_token();
    let ask = async |path: &str| {
        let assertion = signer.sign(key(), &claims());
        present_at(&test, path, &assertion, &[("token", &token)]).await
    };

    let before = ask("/introspect").await;
    let revoked = ask("/revoke").await;
    let after = ask("/introspect").await;

    assert_eq!(before.json()["client_id"], CLIENT);
    assert_eq!((revoked.status, revoked.text()), (200, ""));
    assert_eq!(after.text(), r#"{"active":false}"#);
}
