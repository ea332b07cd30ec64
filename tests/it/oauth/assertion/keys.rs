//! Algorithms and keys of assertions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{claims, es256, inline, key, present, register};
use crate::harness::{Signer, TestApp};

#[tokio::test]
async fn every_algorithm_is_accepted() {
    for alg in [
        "ES256", "ES384", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    ] {
        let (test, signer) = (TestApp::new().await, Signer::new(alg));
        register(&test, inline(&signer.jwks("k"))).await;

        let answer = present(&test, &signer.sign(key(), &claims())).await;

        assert_eq!(answer.status, 200, "{alg}: {}", answer.text());
    }
}

/// A JWT signed with HMAC under bytes that everybody knows.
fn hs256(secret: &[u8], header: &Value) -> String {
    use aws_lc_rs::hmac;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(&claims()));
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        signed.as_bytes(),
    );
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn symmetric_algorithms_and_none_are_never_accepted() {
    let test = TestApp::new().await;
    let signer = Signer::new("RS256");
    register(&test, inline(&signer.jwks("k"))).await;
    let n = signer.jwk("k")["n"].as_str().unwrap().to_owned();
    let header = json!({"alg": "HS256", "kid": "k"});
    let unsigned = |alg: &str| {
        let jwt = signer.sign(json!({"alg": alg, "kid": "k"}), &claims());
        jwt[..=jwt.rfind('.').unwrap()].to_owned()
    };

    for assertion in [
        hs256(&URL_SAFE_NO_PAD.decode(&n).unwrap(), &header),
        hs256(n.as_bytes(), &header),
        hs256(signer.jwks("k").as_bytes(), &header),
        hs256(b"", &header),
        unsigned("none"),
        unsigned("None"),
        signer.sign(json!({"alg": "HS256", "kid": "k"}), &claims()),
        signer.sign(json!({"alg": "ES512", "kid": "k"}), &claims()),
        signer.sign(json!({"alg": "", "kid": "k"}), &claims()),
    ] {
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("`alg`"), "{}", refused.text());
    }
    let unsigned = present(&test, &unsigned("RS256")).await;
    unsigned.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn what_only_the_clients_keys_tell_is_one_answer() {
    let (test, signer) = es256().await;
    let stranger = Signer::new("ES256");
    let good = signer.sign(key(), &claims());
    let mut nobody = claims();
    nobody["iss"] = json!("nobody");
    nobody["sub"] = json!("nobody");
    let unknown_client = test.post_basic(
        "/token",
        "nobody:guess",
        &[("grant_type", "client_credentials")],
    );
    let expected = unknown_client.await;
    let (message, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };

    for assertion in [
        stranger.sign(key(), &claims()),
        stranger.sign(json!({}), &claims()),
        signer.sign(json!({"kid": "other"}), &claims()),
        signer.sign(json!({"kid": "../../k"}), &claims()),
        // A key for another algorithm, and keys that come with the assertion.
        signer.sign(json!({"alg": "ES384", "kid": "k"}), &claims()),
        signer.sign(json!({"alg": "RS256", "kid": "k"}), &claims()),
        stranger.sign(json!({"kid": "k", "jwk": stranger.jwk("k")}), &claims()),
        stranger.sign(
            json!({"jku": "https://evil.test/keys", "kid": "e"}),
            &claims(),
        ),
        stranger.sign(
            json!({"x5u": "https://evil.test/cert", "x5c": ["AQID"]}),
            &claims(),
        ),
        signer.sign(key(), &nobody),
        format!("{message}.{flipped}{}", &signature[1..]),
        format!("{message}."),
        format!("{message}.{signature}=="),
    ] {
        let refused = present(&test, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert_eq!(refused.text(), expected.text(), "{assertion}");
    }
    // None of them used it up.
    assert_eq!(present(&test, &good).await.status, 200);
}

#[tokio::test]
async fn members_that_name_keys_are_ignored_and_critical_ones_refused() {
    let (test, signer) = es256().await;
    let stranger = Signer::new("ES256");
    let ignored =
        json!({"kid": "k", "typ": "JWT", "jku": "https://evil.test", "jwk": stranger.jwk("k")});

    let answer = present(&test, &signer.sign(ignored, &claims())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for crit in [json!(["exp"]), json!([]), json!("b64")] {
        let header = json!({"kid": "k", "crit": crit});
        let refused = present(&test, &signer.sign(header, &claims())).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("crit"));
    }
}

#[tokio::test]
async fn keys_are_told_apart_by_name_use_and_algorithm() {
    let test = TestApp::new().await;
    let (old, new) = (Signer::new("RS256"), Signer::new("RS256"));
    let (mut encrypting, mut narrow) = (Signer::new("ES256"), Signer::new("RS256"));
    let mut keys = vec![
        old.jwk("old"),
        new.jwk("new"),
        encrypting.jwk("enc"),
        narrow.jwk("ps"),
    ];
    keys[2]["use"] = json!("enc");
    keys[3]["alg"] = json!("PS256");
    register(&test, inline(&json!({ "keys": keys }).to_string())).await;
    let status = async |signer: &Signer, header: Value| {
        present(&test, &signer.sign(header, &claims())).await.status
    };

    assert_eq!(status(&old, json!({"kid": "old"})).await, 200);
    assert_eq!(status(&new, json!({"kid": "new"})).await, 200);
    assert_eq!(status(&new, json!({})).await, 200);
    assert_eq!(status(&new, json!({"kid": "old"})).await, 401);
    encrypting = encrypting.with("ES256");
    assert_eq!(status(&encrypting, json!({"kid": "enc"})).await, 401);
    assert_eq!(status(&narrow, json!({"kid": "ps"})).await, 401);
    narrow = narrow.with("PS256");
    assert_eq!(status(&narrow, json!({"kid": "ps"})).await, 200);
}
