//! Algorithm confusion (RFC 8725 §2.1): what is published is no secret, and no key is good for another algorithm.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{PAIRS, jwks, kid, replica, signing};
use crate::harness::TestApp;

fn encode(value: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

fn member(jwk: &Value, name: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap()
}

/// Every spelling of a public key that a careless verifier might take for an HMAC secret.
pub(crate) fn spellings(jwk: &Value) -> Vec<Vec<u8>> {
    let (raw, der) = match jwk["kty"].as_str().unwrap() {
        "EC" => {
            let point = [vec![4], member(jwk, "x"), member(jwk, "y")].concat();
            let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).unwrap();
            let der = key.as_der().unwrap();
            (point, der.as_ref().to_vec())
        }
        "OKP" => {
            let point = member(jwk, "x");
            let key = ParsedPublicKey::new(&ED25519, &point).unwrap();
            let der = key.as_der().unwrap();
            (point, der.as_ref().to_vec())
        }
        _ => {
            let (n, e) = (member(jwk, "n"), member(jwk, "e"));
            let der = RsaPublicKeyComponents { n: &n, e: &e }.as_der().unwrap();
            (n, der.as_ref().to_vec())
        }
    };
    let lines: Vec<String> = STANDARD
        .encode(&der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let body = lines.join("\n");
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----");
    vec![
        raw,
        der,
        format!("{pem}\n").into_bytes(),
        pem.into_bytes(),
        jwk.to_string().into_bytes(),
        jwk["kid"].as_str().unwrap().as_bytes().to_vec(),
        Vec::new(),
    ]
}

fn with_header(token: &str, header: &Value, secret: Option<&[u8]>) -> String {
    let mut parts = token.split('.');
    let payload = parts.nth(1).unwrap();
    let message = format!("{}.{payload}", encode(header.to_string()));
    let signature = match secret {
        Some(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            encode(hmac::sign(&key, message.as_bytes()))
        }
        None => parts.next().unwrap().to_owned(),
    };
    format!("{message}.{signature}")
}

async fn refuse(test: &TestApp, token: &str, what: &str) {
    let answer = test.verify(token).await;
    assert_eq!(
        (answer.status, answer.error()),
        (401, "invalid_token".to_owned()),
        "{what}: {token}"
    );
}

#[tokio::test]
async fn a_public_key_is_no_hmac_secret() {
    for alg in PAIRS {
        let test = signing(alg).await;
        let token = test.token(&test.client().await).await;

        for jwk in jwks(&test).await["keys"].as_array().unwrap() {
            for secret in spellings(jwk) {
                for claimed in ["HS256", alg] {
                    let header = json!({"typ": "at+jwt", "alg": claimed, "kid": jwk["kid"]});
                    let forged = with_header(&token, &header, Some(&secret));
                    refuse(&test, &forged, claimed).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_good_for_its_own_algorithm_and_name_only() {
    let test = signing("RS256").await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let second = replica(&test, "PS256").await;
    let other = second.token(&secret).await;
    let hs256 = replica(&test, "HS256").await;
    let symmetric = hs256.token(&secret).await;

    for (token, alg) in [(&token, "RS256"), (&other, "PS256"), (&symmetric, "HS256")] {
        let kid = kid(token);
        let good = json!({"typ": "at+jwt", "alg": alg, "kid": kid});
        for claimed in [
            "none", "HS256", "ES256", "EdDSA", "RS256", "RS384", "PS256", "",
        ] {
            if claimed == alg {
                continue;
            }
            let header = json!({"typ": "at+jwt", "alg": claimed, "kid": kid});
            refuse(&hs256, &with_header(token, &header, None), claimed).await;
        }
        assert_eq!(hs256.verify(token).await.status, 200);
        assert_eq!(with_header(token, &good, None), **token);
    }
    // The signature of one key under the name of another.
    for (token, alg, kid) in [
        (&token, "PS256", kid(&other)),
        (&other, "RS256", kid(&token)),
        (&token, "HS256", kid(&symmetric)),
    ] {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": kid});
        refuse(&hs256, &with_header(token, &header, None), alg).await;
    }
}

#[tokio::test]
async fn a_key_that_comes_with_the_token_is_not_used() {
    let test = signing("ES256").await;
    let stranger = signing("ES256").await;
    let theirs = stranger.token(&stranger.client().await).await;
    let jwk = jwks(&stranger).await["keys"][0].clone();

    refuse(&test, &theirs, "another server's key").await;
    for extra in ["jwk", "jku", "x5u", "x5c", "crit"] {
        let mut header = json!({"typ": "at+jwt", "alg": "ES256", "kid": kid(&theirs)});
        header[extra] = jwk.clone();
        refuse(&test, &with_header(&theirs, &header, None), extra).await;
    }
}
