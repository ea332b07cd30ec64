//! The proof of the request before a proxy: believed from a trusted one, and from nobody else.

use super::{VERIFY_URL, bound, bound_with};
use crate::harness::{Answer, Prover, TestApp};

/// The address from which tests call is in it.
const TRUSTED: (&str, &str) = ("TRUSTED_PROXIES", "192.0.2.0/24");

const ORIGINAL: &str = "https://invoices.test/v1/invoices";

const FORWARDED: [(&str, &str); 4] = [
    ("x-forwarded-method", "PUT"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "invoices.test"),
    ("x-forwarded-uri", "/v1/invoices?page=2"),
];

/// `GET /verify` with a proof and more headers.
async fn show(test: &TestApp, token: &str, proof: &str, more: &[(&str, &str)]) -> Answer {
    show_at(test, "/verify", token, proof, more).await
}

async fn show_at(
    test: &TestApp,
    path: &str,
    token: &str,
    proof: &str,
    more: &[(&str, &str)],
) -> Answer {
    let authorization = format!("DPoP {token}");
    let base = [("authorization", authorization.as_str()), ("dpop", proof)];
    test.get_with(path, &[&base, more].concat()).await
}

async fn proxied() -> (TestApp, Prover, String) {
    bound_with(&[TRUSTED]).await
}

#[tokio::test]
async fn a_trusted_proxy_says_which_request_the_proof_is_of() {
    let (test, prover, token) = proxied().await;
    let proof = prover.prove_with("PUT", ORIGINAL, &token);

    let answer = show(&test, &token, &proof, &FORWARDED).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_proof_of_another_request_is_refused_behind_it() {
    let (test, prover, token) = proxied().await;

    for (method, uri) in [
        ("POST", ORIGINAL),
        ("PUT", "https://invoices.test/v1/payments"),
        ("PUT", "https://other.test/v1/invoices"),
        ("PUT", "http://invoices.test/v1/invoices"),
        ("GET", VERIFY_URL),
    ] {
        let proof = prover.prove_with(method, uri, &token);
        let answer = show(&test, &token, &proof, &FORWARDED).await;
        answer.assert_error(401, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn from_anybody_else_the_headers_mean_nothing() {
    let (test, prover, token) = bound().await;
    let elsewhere = TestApp::on(
        test.database.clone(),
        &[("TRUSTED_PROXIES", "10.0.0.0/8 127.0.0.1")],
    )
    .await;

    for test in [&test, &elsewhere] {
        let proof = prover.prove_with("PUT", ORIGINAL, &token);
        let refused = show(test, &token, &proof, &FORWARDED).await;
        refused.assert_error(401, "invalid_dpop_proof");
        let proof = prover.prove_with("GET", VERIFY_URL, &token);
        let answer = show(test, &token, &proof, &FORWARDED).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_trusted_proxy_that_says_half_of_it_is_told_so() {
    let (test, prover, token) = proxied().await;
    let proof = prover.prove_with("PUT", ORIGINAL, &token);
    let twice = [&FORWARDED[..], &[("x-forwarded-host", "evil.test")]].concat();
    let no_url = [&FORWARDED[..3], &[("x-forwarded-uri", "v1")]].concat();

    for headers in [&FORWARDED[1..], &FORWARDED[3..], &twice, &no_url] {
        let answer = show(&test, &token, &proof, headers).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_trusted_balancer_that_says_nothing_leaves_the_request_to_verify_itself() {
    let (test, prover, token) = proxied().await;
    let proof = prover.prove_with("GET", VERIFY_URL, &token);

    assert_eq!(show(&test, &token, &proof, &[]).await.status, 200);
}

#[tokio::test]
async fn for_envoy_the_original_request_stands_in_the_path() {
    let (test, prover, token) = proxied().await;
    let path = "/verify/requiring/scope=read/v1/invoices?page=2";
    let proof = prover.prove_with("GET", ORIGINAL, &token);

    let answer = show_at(&test, path, &token, &proof, &[("host", "invoices.test")]).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    let proof = prover.prove_with("GET", ORIGINAL, &token);
    let other = show_at(&test, path, &token, &proof, &[("host", "other.test")]).await;
    other.assert_error(401, "invalid_dpop_proof");
}
