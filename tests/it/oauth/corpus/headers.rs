//! Headers that try to choose the key or the algorithm themselves (RFC 8725 §2.1, §3.10).

use serde_json::{Value, json};

use super::{Doors, assertion_key, encode, hmac_signed, part, registered_key, service, with};
use crate::harness::{SECRET, Signer};
use crate::keys::confusion::spellings;
use crate::oauth::assertion::claims;

/// Header members by which an attacker offers a key of its own; `kid` is the true one's.
fn offers(attacker: &Signer, kid: &Value) -> Vec<(&'static str, Value)> {
    let jwk = attacker.jwk("evil");
    let named = attacker.jwk(kid.as_str().unwrap());
    vec![
        ("no kid", json!({"kid": null})),
        ("the true kid", json!({})),
        ("jwk", json!({"jwk": jwk})),
        ("jwk with the true kid", json!({"jwk": named})),
        ("jwk without a kid", json!({"kid": null, "jwk": jwk})),
        ("jwk and its kid", json!({"kid": "evil", "jwk": jwk})),
        (
            "jwk that is symmetric",
            json!({"jwk": {"kty": "oct", "k": encode(SECRET)}}),
        ),
        ("jku", json!({"jku": "https://evil.test/jwks.json"})),
        (
            "jku to ourselves",
            json!({"jku": "https://tokens.test/.well-known/jwks.json"}),
        ),
        (
            "jku with user info",
            json!({"jku": "https://tokens.test@evil.test/jwks.json"}),
        ),
        (
            "jku to a file",
            json!({"jku": "file:///etc/passwd", "kid": "evil"}),
        ),
        (
            "jku to metadata of a cloud",
            json!({"jku": "http://169.254.169.254/latest", "kid": "evil"}),
        ),
        ("x5u", json!({"x5u": "https://evil.test/cert.pem"})),
        ("x5c", json!({"x5c": ["AQID"]})),
        ("x5t", json!({"x5t": "AQID", "x5t#S256": "AQID"})),
        ("kid as a path", json!({"kid": "../../../../dev/null"})),
        ("kid as SQL", json!({"kid": "' or 1=1 --"})),
        (
            "kid as SQL that makes a key",
            json!({"kid": "x' union select 'AAAA' --"}),
        ),
        ("kid as a command", json!({"kid": "| id"})),
        (
            "kid as a URL",
            json!({"kid": "https://evil.test/jwks.json"}),
        ),
        ("kid as a list", json!({"kid": [kid]})),
        ("kid as an object", json!({"kid": {"$ne": ""}})),
        ("kid as a number", json!({"kid": 0})),
        ("kid empty", json!({"kid": ""})),
        (
            "kid with a NUL",
            json!({"kid": format!("{}\0", kid.as_str().unwrap())}),
        ),
        (
            "kid with a space",
            json!({"kid": format!(" {}", kid.as_str().unwrap())}),
        ),
        ("kid of 5,000 letters", json!({"kid": "k".repeat(5_000)})),
        ("crit of b64", json!({"b64": false, "crit": ["b64"]})),
        ("crit of exp", json!({"crit": ["exp"], "exp": 1})),
        ("crit empty", json!({"crit": []})),
        ("zip", json!({"zip": "DEF"})),
        (
            "a JWE's header",
            json!({"alg": "RSA-OAEP", "enc": "A256GCM"}),
        ),
        ("alg none", json!({"alg": "none"})),
        ("alg none in capitals", json!({"alg": "NONE"})),
        ("alg HS256", json!({"alg": "HS256"})),
        ("alg missing", json!({"alg": null})),
        ("alg as a list", json!({"alg": ["ES256"]})),
        ("alg with a space", json!({"alg": "ES256 "})),
        ("alg in small letters", json!({"alg": "es256"})),
    ]
}

#[tokio::test]
async fn a_key_that_an_attacker_brings_signs_no_token() {
    for alg in ["ES256", "HS256"] {
        let test = service(alg).await;
        let doors = Doors::of(&test).await;
        let token = doors.good_token().await;
        let (header, payload) = (part(&token, 0), part(&token, 1));
        let attacker = Signer::new("ES256");

        let header = with(&header, &json!({"alg": "ES256"}));
        for (name, change) in offers(&attacker, &header["kid"]) {
            let header = with(&header, &change);
            doors
                .refuse_as_token(name, &attacker.sign(header, &payload))
                .await;
        }
    }
}

#[tokio::test]
async fn a_key_that_an_attacker_brings_signs_no_assertion() {
    let test = service("ES256").await;
    let doors = Doors::of(&test).await;
    assertion_key(&test).await;
    let attacker = Signer::new("ES256");

    for (name, change) in offers(&attacker, &json!("k")) {
        let header = with(&json!({"alg": "ES256", "kid": "k"}), &change);
        let jwt = attacker.sign(header, &claims());
        doors.refuse_as_assertion(name, &jwt).await;
    }
}

/// What anybody can read is no secret: the published key in every spelling, and what stands in the header.
#[tokio::test]
async fn nothing_that_is_published_is_an_hmac_secret() {
    for alg in ["ES256", "EdDSA", "RS256", "PS256"] {
        let test = service(alg).await;
        let doors = Doors::of(&test).await;
        let token = doors.good_token().await;
        let jwks = test.get("/.well-known/jwks.json").await;
        let jwk = &jwks.json()["keys"][0];
        let member = jwk["n"].as_str().or(jwk["x"].as_str()).unwrap();
        let payload = part(&token, 1).to_string();

        let mut secrets = spellings(jwk);
        secrets.extend([jwks.text(), member, "https://tokens.test"].map(Vec::from));
        for secret in secrets {
            for claimed in ["HS256", alg] {
                let header = json!({"typ": "at+jwt", "alg": claimed, "kid": jwk["kid"]});
                let forged = hmac_signed(&header.to_string(), &payload, &secret);
                doors.refuse(&format!("{alg}: {secret:?}"), &forged).await;
            }
        }
    }
}

/// The same with the keys that clients register.
#[tokio::test]
async fn nothing_that_a_client_registered_is_an_hmac_secret() {
    for alg in ["ES256", "EdDSA", "RS256"] {
        let test = service("ES256").await;
        let doors = Doors::of(&test).await;
        let jwk = registered_key(&test, &Signer::new(alg)).await;

        for secret in spellings(&jwk) {
            for claimed in ["HS256", "HS512", alg] {
                let header = json!({"alg": claimed, "kid": "k"});
                let forged = hmac_signed(&header.to_string(), claims().to_string(), &secret);
                let name = format!("{alg}: {secret:?}");
                doors.refuse_as_assertion(&name, &forged).await;
            }
        }
    }
}
