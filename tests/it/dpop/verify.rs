//! `/verify` as the resource: who has a bound token but not its key gets nothing.

use super::{VERIFY_URL, bound, verify};
use crate::harness::{Prover, TestApp};

#[tokio::test]
async fn a_bound_token_is_good_with_a_proof_of_its_key() {
    let (test, prover, token) = bound().await;
    let proof = prover.prove_with("GET", VERIFY_URL, &token);

    let answer = verify(&test, &token, &proof).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["cnf"]["jkt"], prover.jkt());
    assert_eq!(answer.header("x-token-client-id"), "billing");
}

#[tokio::test]
async fn as_bearer_it_is_refused_with_a_proof_and_without() {
    let (test, prover, token) = bound().await;
    let proof = prover.prove_with("GET", VERIFY_URL, &token);
    let bearer = format!("Bearer {token}");

    let without = test.verify(&token).await;
    let headers = [("authorization", bearer.as_str()), ("dpop", &proof)];
    let with = test.get_with("/verify", &headers).await;

    for answer in [without, with] {
        answer.assert_error(401, "invalid_token");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("DPoP "), "{challenge}");
        assert!(challenge.contains(r#"error="invalid_token""#));
        assert!(challenge.contains(r#"algs="ES256 "#));
    }
}

#[tokio::test]
async fn bare_it_is_refused_with_a_proof_and_without() {
    let (test, prover, token) = bound().await;
    let bare = ("authorization", token.as_str());

    for path in ["/verify", "/verify/requiring/scope=read/"] {
        let url = format!("https://tokens.test{path}");
        let proof = prover.prove_with("GET", &url, &token);
        for headers in [&[bare][..], &[bare, ("dpop", &proof)]] {
            let answer = test.get_with(path, headers).await;
            answer.assert_error(401, "invalid_token");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.starts_with("DPoP "), "{challenge}");
        }
    }
}

#[tokio::test]
async fn without_a_proof_it_is_refused_in_the_header_and_in_the_body() {
    let (test, _, token) = bound().await;

    let in_header = test
        .get_with("/verify", &[("authorization", &format!("DPoP {token}"))])
        .await;
    let in_body = test.post_form("/verify", &[("token", &token)]).await;

    in_header.assert_error(401, "invalid_dpop_proof");
    in_body.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn in_the_body_it_is_good_with_a_proof() {
    let (test, prover, token) = bound().await;
    let proof = prover.prove_with("POST", VERIFY_URL, &token);

    let answer = test
        .post_form_with("/verify", &[("token", &token)], &[("dpop", &proof)])
        .await;

    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_proof_of_another_key_is_refused() {
    let (test, _, token) = bound().await;
    let proof = Prover::new("ES256").prove_with("GET", VERIFY_URL, &token);

    verify(&test, &token, &proof)
        .await
        .assert_error(401, "invalid_token");
}

#[tokio::test]
async fn a_proof_is_good_once_on_all_replicas_together() {
    let (test, prover, token) = bound().await;
    let replica = test.replica().await;
    let proof = prover.prove_with("GET", VERIFY_URL, &token);

    assert_eq!(verify(&replica, &token, &proof).await.status, 200);

    for test in [&test, &replica] {
        let again = verify(test, &token, &proof).await;
        again.assert_error(401, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn a_token_that_is_not_bound_is_no_dpop_token() {
    let test = TestApp::new().await;
    let (secret, prover) = (test.client().await, Prover::new("ES256"));
    let token = test.token(&secret).await;
    let proof = prover.prove_with("GET", VERIFY_URL, &token);

    let answer = verify(&test, &token, &proof).await;

    answer.assert_error(401, "invalid_token");
    let without = test
        .get_with("/verify", &[("authorization", &format!("DPoP {token}"))])
        .await;
    without.assert_error(401, "invalid_dpop_proof");
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn a_bad_token_under_dpop_is_challenged_with_dpop() {
    let test = TestApp::new().await;

    let answer = verify(&test, "rubbish", "rubbish").await;

    answer.assert_error(401, "invalid_token");
    assert!(answer.header("www-authenticate").starts_with("DPoP "));
}
