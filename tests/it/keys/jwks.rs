//! `GET /.well-known/jwks.json`: what is published, how long it may be kept, and what never is.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde::Deserialize;
use token_server::domain::JWKS_MAX_AGE;

use super::{PAIRS, jwks, published, signing, the};
use crate::harness::{BY, SECRET, TestApp};

const PATH: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn exactly_the_public_members_are_published() {
    for alg in PAIRS {
        let test = signing(alg).await;
        let body = test.get(PATH).await.text().to_owned();
        let keys = jwks(&test).await;
        let keys = keys["keys"].as_array().unwrap();

        assert_eq!(keys.len(), 2, "{alg}: one that signs, one that is next");
        for key in keys {
            let mut members: Vec<&str> = key.as_object().unwrap().keys().map(|k| &**k).collect();
            members.sort_unstable();
            let expected: &[&str] = match alg {
                "ES256" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                "EdDSA" => &["alg", "crv", "kid", "kty", "use", "x"],
                _ => &["alg", "e", "kid", "kty", "n", "use"],
            };
            assert_eq!(members, expected, "{alg}");
            assert_eq!(
                (&key["use"], &key["alg"]),
                (&"sig".into(), &alg.into()),
                "{alg}"
            );
            if alg.ends_with("S256") && alg != "ES256" {
                let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
                assert_eq!(modulus.len() * 8, 3072);
            }
        }
        assert!(!body.contains(&URL_SAFE_NO_PAD.encode(SECRET)));
        for kept in test.app.store().list_keys().await.unwrap() {
            assert!(!body.contains(&kept.sealed), "{alg}");
        }
    }
}

#[tokio::test]
async fn no_algorithm_publishes_a_symmetric_key() {
    for alg in ["HS256", "ES256"] {
        let previous = (
            "SECRET_PREVIOUS",
            "the secret before, of more than 32 bytes",
        );
        let test = TestApp::with(&[("SIGNING_ALG", alg), previous]).await;

        for key in jwks(&test).await["keys"].as_array().unwrap() {
            assert_ne!(key["kty"], "oct");
            assert!(key.get("k").is_none() && key.get("d").is_none());
        }
    }
}

#[tokio::test]
async fn a_kid_is_the_keys_thumbprint() {
    let test = signing("ES256").await;

    for key in jwks(&test).await["keys"].as_array().unwrap() {
        let jwk = Jwk::deserialize(key).unwrap();
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
        assert_eq!(key["kid"], thumbprint);
    }
}

#[tokio::test]
async fn it_may_be_kept_and_asked_for_again_by_its_tag() {
    let test = signing("EdDSA").await;

    let first = test.get(PATH).await;
    let etag = first.header("etag").to_owned();

    assert_eq!(first.header("content-type"), "application/json");
    let max_age = format!("public, max-age={JWKS_MAX_AGE}");
    assert_eq!(first.header("cache-control"), max_age);
    assert!(etag.len() > 10 && etag.starts_with('"') && etag.ends_with('"'));
    for tags in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"x\", {etag}"),
        "*".to_owned(),
    ] {
        let again = test.get_with(PATH, &[("if-none-match", &tags)]).await;
        assert_eq!((again.status, again.text()), (304, ""), "{tags}");
        assert_eq!(again.header("etag"), etag);
        assert_eq!(again.header("cache-control"), max_age);
    }
    for tags in ["\"x\"", "", "x"] {
        let again = test.get_with(PATH, &[("if-none-match", tags)]).await;
        assert_eq!(again.status, 200, "{tags}");
    }

    test.app.keys.rotate(BY, true).await.unwrap();
    let changed = test.get_with(PATH, &[("if-none-match", &etag)]).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test]
async fn it_answers_head_and_refuses_post() {
    let test = signing("ES256").await;

    let head = Request::head(PATH).body(Body::empty()).unwrap();
    let head = test.call(head).await;
    assert_eq!((head.status, head.text()), (200, ""));
    test.post_form(PATH, &[])
        .await
        .assert_error(405, "method_not_allowed");
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_until_it_is_gone() {
    let test = signing("ES256").await;
    let (active, next) = (the(&test, "active").await, the(&test, "next").await);
    let mut expected = vec![active.kid.to_string(), next.kid.to_string()];
    expected.sort();
    let mut before = published(&test).await;
    before.sort();
    assert_eq!(before, expected);

    test.app.keys.rotate(BY, true).await.unwrap();

    let after = published(&test).await;
    assert_eq!(after.len(), 3);
    assert!(expected.iter().all(|kid| after.contains(kid)));
}
