use serde_json::json;

use super::{Caller, needs_a_client, refuses_bad_requests};
use crate::harness::{Answer, TestApp};

#[track_caller]
fn assert_done(answer: &Answer) {
    assert_eq!((answer.status, answer.text()), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.header("x-request-id").is_empty());
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_by_verify_and_introspect_and_no_other_is() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "billing", "", "").await;
    let (one, other) = (caller.token().await, caller.token().await);

    assert_done(&caller.revoke(&one).await);

    let refused = test.verify(&one).await;
    refused.assert_error(401, "invalid_token");
    assert!(refused.text().contains("revoked"), "{}", refused.text());
    assert_eq!(caller.introspect(&one).await.text(), r#"{"active":false}"#);
    assert_eq!(test.verify(&other).await.status, 200);
    assert_eq!(caller.introspect(&other).await.json()["active"], true);
}

#[tokio::test]
async fn json_and_credentials_in_the_body_do_as_well() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "billing", "", "").await;
    let token = caller.token().await;
    let body = json!({"client_id": "billing", "client_secret": caller.secret, "token": token});

    assert_done(
        &test
            .post("/revoke", "application/json", body.to_string())
            .await,
    );

    assert_eq!(test.verify(&token).await.status, 401);
}

#[tokio::test]
async fn revoking_again_and_revoking_what_is_no_token_is_done_already() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "billing", "", "").await;
    let foreign =
        TestApp::with(&[("SECRET", "another secret for tests, of more than 32 bytes")]).await;
    let foreign = Caller::new(&foreign, "billing", "", "").await.token().await;
    let elsewhere = TestApp::with(&[("ISSUER", "https://elsewhere.test")]).await;
    let elsewhere = Caller::new(&elsewhere, "billing", "", "")
        .await
        .token()
        .await;
    let (revoked, expired) = (caller.token().await, caller.token().await);
    caller.revoke(&revoked).await;

    for token in [&revoked, &foreign, &elsewhere, "nonsense", &revoked[1..]] {
        assert_done(&caller.revoke(token).await);
    }
    test.clock.advance(4_000);
    assert_done(&caller.revoke(&expired).await);

    assert_eq!(test.app.tokens.revocations().count(), (1, 0));
}

#[tokio::test]
async fn another_clients_token_is_refused_and_stays_good() {
    let test = TestApp::new().await;
    let billing = Caller::new(&test, "billing", "", "").await;
    let other = Caller::new(&test, "other", "token:introspect", "").await;
    let token = billing.token().await;

    let answer = other.revoke(&token).await;

    answer.assert_error(400, "unauthorized_client");
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn whatever_the_hint_says_the_token_is_revoked() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "billing", "", "").await;

    for hint in ["access_token", "refresh_token", "pat", "", "ü"] {
        let token = caller.token().await;
        let params = [("token", token.as_str()), ("token_type_hint", hint)];
        assert_done(&caller.post("/revoke", &params).await);
        assert_eq!(test.verify(&token).await.status, 401, "{hint}");
    }
}

#[tokio::test]
async fn without_the_database_nothing_is_revoked_and_the_client_is_told_to_come_again() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "billing", "", "").await;
    let token = caller.token().await;
    test.app.store().close().await;

    let answer = caller.revoke(&token).await;

    answer.assert_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn a_client_has_to_prove_itself() {
    needs_a_client("/revoke").await;
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_documented_shape() {
    refuses_bad_requests("/revoke").await;
}
