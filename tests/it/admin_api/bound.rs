//! Tokens that are bound to a key are good with a proof of this very request only.

use axum::body::Body;
use axum::http::Request;

use super::{ROBOT, register};
use crate::harness::{Answer, Prover, TestApp};

const URI: &str = "https://tokens.test/admin/api/v1/clients";

async fn bound_token(test: &TestApp, prover: &Prover) -> String {
    let secret = register(test, ROBOT, "admin:read admin:write").await;
    let proof = prover.prove("POST", "https://tokens.test/authorize");
    let form = [("client_id", ROBOT), ("client_secret", &secret)];
    let headers = [("dpop", proof.as_str())];
    let answer = test.post_form_with("/authorize", &form, &headers).await;
    assert_eq!(answer.json()["token_type"], "DPoP", "{}", answer.text());
    answer.token()
}

async fn list(test: &TestApp, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get("/admin/api/v1/clients");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    test.call(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_bound_token_needs_its_proof_and_each_proof_is_good_once() {
    let test = TestApp::new().await;
    let prover = Prover::new("ES256");
    let token = bound_token(&test, &prover).await;
    let (bearer, dpop) = (format!("Bearer {token}"), format!("DPoP {token}"));
    let proof = prover.prove_with("GET", URI, &token);

    for headers in [
        &[("authorization", &*bearer)][..],
        &[("authorization", &*bearer), ("dpop", &*proof)],
    ] {
        list(&test, headers)
            .await
            .assert_error(401, "invalid_token");
    }
    let alone = list(&test, &[("authorization", &dpop)]).await;
    alone.assert_error(401, "invalid_dpop_proof");

    let headers = [("authorization", &*dpop), ("dpop", &*proof)];
    let good = list(&test, &headers).await;
    assert_eq!(good.status, 200, "{}", good.text());
    assert!(!good.header("dpop-nonce").is_empty());
    let again = list(&test, &headers).await;
    again.assert_error(401, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_proof_of_another_request_key_or_token_is_refused() {
    let test = TestApp::new().await;
    let prover = Prover::new("ES256");
    let token = bound_token(&test, &prover).await;
    let dpop = format!("DPoP {token}");
    let stranger = Prover::new("ES256");

    for (proof, code) in [
        (prover.prove_with("POST", URI, &token), "invalid_dpop_proof"),
        (
            prover.prove_with("GET", "https://other.test/x", &token),
            "invalid_dpop_proof",
        ),
        (
            prover.prove_with("GET", URI, "another"),
            "invalid_dpop_proof",
        ),
        (prover.prove("GET", URI), "invalid_dpop_proof"),
        (stranger.prove_with("GET", URI, &token), "invalid_token"),
    ] {
        let answer = list(&test, &[("authorization", &dpop), ("dpop", &proof)]).await;
        answer.assert_error(401, code);
        assert!(answer.header("www-authenticate").starts_with("DPoP "));
    }
}

/// At `/verify` a trusted proxy says which request it asks about; here it can only be this one.
#[tokio::test]
async fn not_even_a_trusted_proxy_speaks_for_another_request() {
    let test = TestApp::with(&[("TRUSTED_PROXIES", "192.0.2.1")]).await;
    let prover = Prover::new("ES256");
    let token = bound_token(&test, &prover).await;
    let proof = prover.prove_with("POST", "https://lured.test/x", &token);

    let headers = [
        ("authorization", &*format!("DPoP {token}")),
        ("dpop", &*proof),
        ("x-forwarded-method", "POST"),
        ("x-forwarded-host", "lured.test"),
        ("x-forwarded-uri", "/x"),
    ];
    let answer = list(&test, &headers).await;
    answer.assert_error(401, "invalid_dpop_proof");
}
