//! Nonces (RFC 9449 §8 and §9).

use serde_json::Value;

use super::{TOKEN_URL, VERIFY_URL, ask, bound, bound_with, verify};
use crate::harness::{Prover, TestApp, proof_claims, with_token};

fn with_nonce(mut claims: Value, nonce: &str) -> Value {
    claims["nonce"] = nonce.into();
    claims
}

/// A proof for the token endpoint with a nonce.
fn proof(prover: &Prover, nonce: &str) -> String {
    prover.sign(&with_nonce(proof_claims("POST", TOKEN_URL), nonce))
}

#[tokio::test]
async fn a_required_nonce_is_asked_for_and_then_taken_by_every_replica() {
    let test = TestApp::with(&[("DPOP_NONCE", "required")]).await;
    let replica = TestApp::on(test.database.clone(), &[("DPOP_NONCE", "required")]).await;
    let (secret, prover) = (test.client().await, Prover::new("ES256"));
    let first = prover.prove("POST", TOKEN_URL);

    let asked = ask(&test, &secret, &[("dpop", &first)]).await;

    asked.assert_error(400, "use_dpop_nonce");
    let nonce = asked.header("dpop-nonce");
    let answer = ask(&replica, &secret, &[("dpop", &proof(&prover, nonce))]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("dpop-nonce"), nonce);
    for answer in [&asked, &answer] {
        let nonces = answer.headers.get_all("dpop-nonce").iter();
        assert_eq!(
            (nonces.count(), answer.header("cache-control")),
            (1, "no-store")
        );
    }
}

#[tokio::test]
async fn at_verify_a_required_nonce_is_asked_for_with_401() {
    let (test, prover, token) = bound().await;
    let strict = TestApp::on(test.database.clone(), &[("DPOP_NONCE", "required")]).await;
    let claims = || with_token(proof_claims("GET", VERIFY_URL), &token);

    let asked = verify(&strict, &token, &prover.sign(&claims())).await;

    asked.assert_error(401, "use_dpop_nonce");
    let challenge = asked.header("www-authenticate");
    assert!(challenge.starts_with("DPoP ") && challenge.contains(r#"error="use_dpop_nonce""#));
    let claims = with_nonce(claims(), asked.header("dpop-nonce"));
    let answer = verify(&strict, &token, &prover.sign(&claims)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn an_offered_nonce_need_not_be_used_but_a_wrong_one_is_refused() {
    let test = TestApp::new().await;
    let (secret, prover) = (test.client().await, Prover::new("ES256"));

    let without = ask(
        &test,
        &secret,
        &[("dpop", &prover.prove("POST", TOKEN_URL))],
    )
    .await;

    assert_eq!(without.status, 200);
    let nonce = without.header("dpop-nonce");
    assert_ne!(nonce, "");
    let good = ask(&test, &secret, &[("dpop", &proof(&prover, nonce))]).await;
    assert_eq!(good.status, 200);
    for wrong in ["", "made-up"] {
        let refused = ask(&test, &secret, &[("dpop", &proof(&prover, wrong))]).await;
        refused.assert_error(400, "use_dpop_nonce");
        assert_eq!(refused.header("dpop-nonce"), nonce);
    }
}

#[tokio::test]
async fn a_nonce_is_over_after_ten_minutes() {
    let test = TestApp::with(&[("DPOP_NONCE", "required")]).await;
    let (secret, prover) = (test.client().await, Prover::new("ES256"));
    let first = ask(
        &test,
        &secret,
        &[("dpop", &prover.prove("POST", TOKEN_URL))],
    )
    .await;
    let nonce = first.header("dpop-nonce").to_owned();
    let later = |seconds: i64| {
        let mut claims = with_nonce(proof_claims("POST", TOKEN_URL), &nonce);
        claims["iat"] = (claims["iat"].as_i64().unwrap() + seconds).into();
        prover.sign(&claims)
    };

    test.clock.advance(599);
    let good = ask(&test, &secret, &[("dpop", &later(599))]).await;
    test.clock.advance(1);
    let over = ask(&test, &secret, &[("dpop", &later(600))]).await;

    assert_eq!(good.status, 200, "{}", good.text());
    assert_ne!(good.header("dpop-nonce"), nonce);
    over.assert_error(400, "use_dpop_nonce");
}

#[tokio::test]
async fn switched_off_no_nonce_is_given_out_or_looked_at() {
    let (test, prover, token) = bound_with(&[("DPOP_NONCE", "off")]).await;
    let claims = with_token(proof_claims("GET", VERIFY_URL), &token);

    let answer = verify(&test, &token, &prover.sign(&with_nonce(claims, "any"))).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("dpop-nonce"), "");
}
