//! Tokens that are not ours, or not as we make them: 401, never a 500, never accepted.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};
use token_server::app::{App, TokenRequirements};
use token_server::base::clock::Clock;
use token_server::jwt::LEEWAY;

use crate::harness::{CLIENT, NOW, SECRET, TestApp, config};

/// A token of these parts, signed with HMAC-SHA256 under `key`, whatever its header says.
pub(super) fn signed(header: &str, payload: &str, key: &str) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

pub(super) fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).unwrap();
    token_server::base::json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(super) struct Forge {
    pub(super) test: TestApp,
    pub(super) token: String,
    header: Value,
    pub(super) claims: Value,
}

impl Forge {
    pub(super) async fn new() -> Self {
        let test = TestApp::new().await;
        let token = test.token(&test.client().await).await;
        let (header, claims) = (part(&token, 0), part(&token, 1));
        Self {
            test,
            token,
            header,
            claims,
        }
    }

    /// The good token with members of its header replaced (null: taken out), signed with the right key.
    fn with_header(&self, change: &Value) -> String {
        signed(
            &merge(&self.header, change),
            &self.claims.to_string(),
            SECRET,
        )
    }

    /// The good token with claims replaced (null: taken out), signed with the right key.
    pub(super) fn with_claims(&self, change: &Value) -> String {
        self.with_payload(&merge(&self.claims, change))
    }

    /// Another payload, signed with the right key.
    pub(super) fn with_payload(&self, payload: &str) -> String {
        signed(&self.header.to_string(), payload, SECRET)
    }

    async fn refuse(&self, token: &str) {
        let answer = self.test.post_form("/verify", &[("token", token)]).await;
        assert_eq!(
            (answer.status, answer.error()),
            (401, "invalid_token".to_owned()),
            "{token}"
        );
    }
}

fn merge(object: &Value, change: &Value) -> String {
    let mut object = object.clone();
    for (name, value) in change.as_object().unwrap() {
        let members = object.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object.to_string()
}

#[tokio::test]
async fn signed_as_we_sign_it_is_good() {
    let forge = Forge::new().await;

    for token in [
        forge.with_header(&json!({})),
        forge.with_header(&json!({"typ": "application/AT+JWT"})),
        forge.with_header(&json!({"typ": "JWT"})),
    ] {
        assert_eq!(forge.test.verify(&token).await.status, 200);
    }
}

#[tokio::test]
async fn another_algorithm_or_key_is_refused() {
    let forge = Forge::new().await;
    let unsigned = |alg: &str| {
        let header = merge(&forge.header, &json!({"alg": alg}));
        let payload = URL_SAFE_NO_PAD.encode(forge.claims.to_string());
        format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header))
    };
    for alg in ["none", "None", "NONE", ""] {
        forge.refuse(&unsigned(alg)).await;
        forge.refuse(&forge.with_header(&json!({"alg": alg}))).await;
    }
    for alg in ["HS384", "HS512", "RS256", "ES256", "hs256"] {
        forge.refuse(&forge.with_header(&json!({"alg": alg}))).await;
    }
    let claims = forge.claims.to_string();
    forge
        .refuse(&signed(&forge.header.to_string(), &claims, "another key"))
        .await;
    forge
        .refuse(&signed(&forge.header.to_string(), &claims, ""))
        .await;
}

#[tokio::test]
async fn tricks_in_the_header_are_refused() {
    let forge = Forge::new().await;
    for change in [
        json!({"kid": "../../../../dev/null"}),
        json!({"kid": "' or 1=1 --"}),
        json!({"kid": ""}),
        json!({"kid": null}),
        json!({"kid": ["a"]}),
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": []}),
        json!({"jku": "https://evil.test/jwks"}),
        json!({"x5u": "https://evil.test/cert"}),
        json!({"jwk": {"kty": "oct", "k": "AAAA"}}),
        json!({"b64": false}),
        json!({"zip": "DEF"}),
        json!({"cty": "JWT"}),
        json!({"typ": "jwt"}),
        json!({"typ": "application/jwt"}),
        json!({"typ": "token-introspection+jwt"}),
        json!({"typ": null}),
        json!({"typ": 1}),
    ] {
        forge.refuse(&forge.with_header(&change)).await;
    }
    let twice = forge
        .header
        .to_string()
        .replacen('{', r#"{"alg":"none","#, 1);
    forge
        .refuse(&signed(&twice, &forge.claims.to_string(), SECRET))
        .await;
}

/// serde reads a struct also from an array of its members in their order.
#[tokio::test]
async fn arrays_in_the_place_of_objects_are_refused_even_under_our_key() {
    let forge = Forge::new().await;
    let header = &forge.header;
    let header = json!([header["typ"], header["alg"], header["kid"]]);

    forge
        .refuse(&signed(
            &header.to_string(),
            &forge.claims.to_string(),
            SECRET,
        ))
        .await;
    for cnf in [json!([null, null]), json!([null, "A".repeat(43)])] {
        forge
            .refuse(&forge.with_claims(&json!({ "cnf": cnf })))
            .await;
    }
}

#[tokio::test]
async fn claims_that_we_do_not_write_are_refused_even_under_our_key() {
    let forge = Forge::new().await;
    for change in [
        json!({"exp": null}),
        json!({"exp": (NOW.0 + 100).to_string()}),
        json!({"exp": -1}),
        json!({"exp": 1.5e9}),
        json!({"exp": i64::MAX}),
        json!({"exp": u64::MAX}),
        json!({"exp": NOW.0 + 86_401}),
        json!({"exp": NOW.0 - 10}),
        json!({"iat": null}),
        json!({"iat": i64::MIN}),
        json!({"iat": NOW.0 + LEEWAY + 1}),
        json!({"nbf": NOW.0 + 1_000}),
        json!({"nbf": "now"}),
        json!({"iss": "https://evil.test"}),
        json!({"iss": null}),
        json!({"client_id": ["billing"]}),
        json!({"jti": null}),
        json!({"jti": 1}),
        json!({"jti": "a name"}),
        json!({"client_id": "a b"}),
        json!({"scope": ["read"]}),
        json!({"metadata": "text"}),
        json!({"metadata": null}),
    ] {
        forge.refuse(&forge.with_claims(&change)).await;
    }
    let header = forge.header.to_string();
    let twice = forge.claims.to_string().replacen('{', r#"{"exp":1,"#, 1);
    for payload in [
        twice.as_str(),
        "{}",
        "[]",
        "null",
        "\"a\"",
        "",
        "{",
        forge.token.as_str(),
    ] {
        forge.refuse(&signed(&header, payload, SECRET)).await;
    }
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let forge = Forge::new().await;
    let parts: Vec<&str> = forge.token.split('.').collect();
    let &[header, payload, signature] = parts.as_slice() else {
        panic!("three parts")
    };
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    // 32 bytes are 43 characters, of which the last has 2 stray bits.
    let last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = last.find(&signature[42..]).unwrap();
    let stray = format!("{}{}", &signature[..42], &last[place + 1..place + 2]);

    for token in [
        format!("{header}.{payload}.{}", URL_SAFE.encode(&raw)),
        format!("{header}.{payload}.{}=", STANDARD.encode(&raw)),
        format!("{header}.{payload}.{stray}"),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{}.x", forge.token),
        format!("{}=", forge.token),
        forge.token[..forge.token.len() - 1].to_owned(),
        forge.token[1..].to_owned(),
        "..".to_owned(),
        "a".to_owned(),
        "é.é.é".to_owned(),
        "x".repeat(20_000),
    ] {
        forge.refuse(&token).await;
    }
    let huge = forge
        .test
        .post_form("/verify", &[("token", &"x".repeat(1_000_000))])
        .await;
    huge.assert_error(413, "content_too_large");
    forge
        .test
        .verify(&"x".repeat(1_000_000))
        .await
        .assert_error(431, "header_fields_too_large");
}

#[test]
fn a_token_with_any_character_changed_never_verifies() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (test, token) = runtime.block_on(async {
        let test = TestApp::new().await;
        let token = test.token(&test.client().await).await;
        (test, token)
    });
    let none = TokenRequirements::default();
    let good = test.app.tokens.verify(&token, &none).unwrap();
    assert_eq!(good.claims.client_id.as_str(), CLIENT);

    proptest!(|(place in 0..token.len(), character in "[A-Za-z0-9_.=+/-]")| {
        let mut forged = token.clone();
        forged.replace_range(place..=place, &character);
        prop_assume!(forged != token);
        prop_assert!(test.app.tokens.verify(&forged, &none).is_err());
    });
}

#[tokio::test]
async fn whatever_is_sent_is_no_token_and_no_panic() {
    let app = App::open(config("sqlite::memory:", &[]), Clock::fixed(NOW)).unwrap();
    let none = TokenRequirements::default();

    proptest!(|(text in any::<String>(), a in any::<Vec<u8>>(), b in any::<Vec<u8>>())| {
        prop_assert!(app.tokens.verify(&text, &none).is_err());
        let parts = [a, b.clone(), b].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        prop_assert!(app.tokens.verify(&parts.join("."), &none).is_err());
    });
}
