//! RFC 9449 §4.3, check by check: at the token endpoint, and the same at `/verify`.

use serde_json::{Value, json};

use super::{TOKEN_URL, VERIFY_URL, ask, bound, verify};
use crate::harness::{NOW, Prover, TestApp, proof_claims, with_token};

/// A service with a client, its secret and a key.
async fn service() -> (TestApp, String, Prover) {
    let test = TestApp::new().await;
    let secret = test.client().await;
    (test, secret, Prover::new("ES256"))
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = proof_claims("POST", TOKEN_URL);
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = proof_claims("POST", TOKEN_URL);
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[tokio::test]
async fn every_algorithm_is_accepted() {
    let (test, secret, _) = service().await;

    for alg in [
        "ES256", "ES384", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    ] {
        let proof = Prover::new(alg).prove("POST", TOKEN_URL);
        let answer = ask(&test, &secret, &[("dpop", &proof)]).await;
        assert_eq!(answer.status, 200, "{alg}: {}", answer.text());
        assert_eq!(answer.json()["token_type"], "DPoP");
    }
}

#[tokio::test]
async fn two_headers_are_refused_also_when_both_are_good() {
    let (test, secret, prover) = service().await;
    let (one, two) = (
        prover.prove("POST", TOKEN_URL),
        prover.prove("POST", TOKEN_URL),
    );

    let answer = ask(&test, &secret, &[("dpop", &one), ("dpop", &two)]).await;

    answer.assert_error(400, "invalid_dpop_proof");
    let listed = format!("{one},{two}");
    let answer = ask(&test, &secret, &[("dpop", &listed)]).await;
    answer.assert_error(400, "invalid_dpop_proof");
}

#[tokio::test]
async fn what_is_wrong_with_the_claims_is_refused_and_told() {
    let (test, secret, prover) = service().await;
    let now = NOW.0;

    for (claims, told) in [
        (without("jti"), "not a JWT"),
        (without("htm"), "not a JWT"),
        (without("htu"), "not a JWT"),
        (without("iat"), "not a JWT"),
        (with("jti", ""), "`jti`"),
        (with("jti", "x".repeat(257)), "`jti`"),
        (with("jti", 1), "not a JWT"),
        (with("htm", "GET"), "`htm`"),
        (with("htm", "post"), "`htm`"),
        (with("htu", "https://other.test/token"), "`htu`"),
        (with("htu", "http://tokens.test/token"), "`htu`"),
        (with("htu", "https://tokens.test:8443/token"), "`htu`"),
        (with("htu", "https://tokens.test/token/"), "`htu`"),
        (with("htu", "/token"), "`htu`"),
        (with("htu", ""), "`htu`"),
        (with("iat", now - 60), "`iat`"),
        (with("iat", now + 31), "`iat`"),
        (with("iat", i64::MAX), "`iat`"),
        (with("iat", i64::MIN), "`iat`"),
        (with("iat", 1e300), "`iat`"),
        (with("iat", "now"), "not a JWT"),
    ] {
        let answer = ask(&test, &secret, &[("dpop", &prover.sign(&claims))]).await;
        answer.assert_error(400, "invalid_dpop_proof");
        assert!(answer.text().contains(told), "{claims}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_proof_at_the_edges_is_good_and_its_url_may_be_spelled_otherwise() {
    let (test, secret, prover) = service().await;

    for claims in [
        with("iat", NOW.0 - 59),
        with("iat", NOW.0 + 30),
        with("jti", "x".repeat(256)),
        with("htu", "HTTPS://Tokens.Test:443/%74oken"),
        with("htu", "https://tokens.test/token?query=1#fragment"),
        with("htu", "https://tokens.test/x/../token"),
        with("other", json!({"claims": "are not looked at"})),
    ] {
        let answer = ask(&test, &secret, &[("dpop", &prover.sign(&claims))]).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_header_is_refused_and_told() {
    let (test, secret, prover) = service().await;
    let jwk = prover.jwk();
    let changed = |name: &str, value: Value| {
        let mut header = prover.header();
        header[name] = value;
        header
    };
    let key = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        changed("jwk", jwk)
    };

    for (header, told) in [
        (json!({"jwk": jwk}), "`typ`"),
        (changed("typ", json!("jwt")), "`typ`"),
        (changed("typ", json!("at+jwt")), "`typ`"),
        (changed("crit", json!(["exp"])), "`crit`"),
        (changed("alg", json!("none")), "`alg`"),
        (changed("alg", json!("HS256")), "`alg`"),
        (changed("alg", json!("RS256")), "signature"),
        (json!({"typ": "dpop+jwt"}), "there is none"),
        (changed("jwk", json!("text")), "`jwk`"),
        (changed("jwk", json!({"kty": "oct", "k": "AAAA"})), "`k`"),
        (changed("jwk", json!({"kty": "new"})), "unknown"),
        (key("d", json!("AAAA")), "`d`"),
        (key("use", json!("enc")), "for another use"),
        (key("alg", json!("ES384")), "for another use"),
        (key("key_ops", json!(["sign"])), "for another use"),
        (changed("jwk", Prover::new("ES256").jwk()), "signature"),
    ] {
        let proof = prover
            .signer
            .sign(header.clone(), &proof_claims("POST", TOKEN_URL));
        let answer = ask(&test, &secret, &[("dpop", &proof)]).await;
        answer.assert_error(400, "invalid_dpop_proof");
        assert!(answer.text().contains(told), "{header}: {}", answer.text());
    }
}

/// serde reads a struct also from an array of its members in their order.
#[tokio::test]
async fn arrays_are_neither_a_header_nor_claims() {
    let (test, secret, prover) = service().await;
    let good = proof_claims("POST", TOKEN_URL);
    let members = json!([
        good["jti"],
        good["htm"],
        good["htu"],
        good["iat"],
        null,
        null
    ]);
    let header = json!(["dpop+jwt", "ES256", prover.jwk(), null]);

    for proof in [prover.sign(&members), prover.signer.sign(header, &good)] {
        let answer = ask(&test, &secret, &[("dpop", &proof)]).await;
        answer.assert_error(400, "invalid_dpop_proof");
        assert!(answer.text().contains("not a JWT"), "{}", answer.text());
    }
    let answer = ask(&test, &secret, &[("dpop", &prover.sign(&good))]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn what_is_no_jwt_is_refused() {
    let (test, secret, prover) = service().await;
    let good = prover.prove("POST", TOKEN_URL);
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    let long = prover.sign(&with("jti", "x".repeat(9_000)));

    for proof in [
        "",
        "a",
        "a.b.c",
        "..",
        &unsigned,
        &good[..good.len() - 2],
        &long,
    ] {
        let answer = ask(&test, &secret, &[("dpop", proof)]).await;
        answer.assert_error(400, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn a_proof_is_good_once_on_all_replicas_together() {
    let (test, secret, prover) = service().await;
    let replica = test.replica().await;
    let proof = prover.prove("POST", TOKEN_URL);

    assert_eq!(ask(&test, &secret, &[("dpop", &proof)]).await.status, 200);

    for test in [&test, &replica] {
        let again = ask(test, &secret, &[("dpop", &proof)]).await;
        again.assert_error(400, "invalid_dpop_proof");
        assert!(again.text().contains("used before"), "{}", again.text());
    }
}

#[tokio::test]
async fn two_keys_may_use_the_same_jti() {
    let (test, secret, prover) = service().await;
    let claims = proof_claims("POST", TOKEN_URL);

    for prover in [prover, Prover::new("ES256")] {
        let answer = ask(&test, &secret, &[("dpop", &prover.sign(&claims))]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn at_verify_every_check_is_the_same_and_the_answer_401() {
    let (test, prover, token) = bound().await;
    let claims = || with_token(proof_claims("GET", VERIFY_URL), &token);
    let changed = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };

    for (claims, told) in [
        (changed("htm", json!("POST")), "`htm`"),
        (changed("htu", json!(TOKEN_URL)), "`htu`"),
        (changed("iat", json!(NOW.0 - 60)), "`iat`"),
        (changed("iat", json!(NOW.0 + 31)), "`iat`"),
        (changed("ath", json!("")), "`ath`"),
        (with_token(claims(), "another token"), "`ath`"),
        (proof_claims("GET", VERIFY_URL), "`ath`"),
    ] {
        let answer = verify(&test, &token, &prover.sign(&claims)).await;
        answer.assert_error(401, "invalid_dpop_proof");
        assert!(answer.text().contains(told), "{}", answer.text());
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("DPoP "), "{challenge}");
        assert!(challenge.contains(r#"error="invalid_dpop_proof""#));
        assert!(challenge.contains(r#"algs="ES256 "#), "{challenge}");
    }
    assert_eq!(
        verify(&test, &token, &prover.sign(&claims())).await.status,
        200
    );
}
