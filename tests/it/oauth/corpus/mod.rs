//! The negative corpus: JWTs that nobody may accept, each with a name, each shown at every endpoint that takes one. None
//! is accepted and none is a 500.

mod headers;
mod proofs;
mod published;
mod spelling;
mod standing;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::Caller;
use super::assertion::register;
use crate::harness::workload::JWT_BEARER;
use crate::harness::{Answer, CLIENT, Signer, TestApp};

/// A service that counts no failures, for there will be many.
async fn service(alg: &str) -> TestApp {
    TestApp::with(&[
        ("SIGNING_ALG", alg),
        ("THROTTLE_CLIENT_FAILURES", "0"),
        ("THROTTLE_SOURCE_FAILURES", "0"),
    ])
    .await
}

/// Every endpoint that takes a JWT, with a caller who may ask about any token.
struct Doors<'a> {
    caller: Caller<'a>,
}

impl<'a> Doors<'a> {
    async fn of(test: &'a TestApp) -> Self {
        let caller = Caller::new(test, "gateway", "token:introspect", "").await;
        Self { caller }
    }

    /// A token of the caller itself: good at every door, so that it is the forgery that is refused.
    async fn good_token(&self) -> String {
        let token = self.caller.token().await;
        assert_eq!(self.caller.test.verify(&token).await.status, 200);
        let active = self.caller.introspect(&token).await.json()["active"].clone();
        assert_eq!(active, Value::Bool(true));
        token
    }

    async fn refuse(&self, name: &str, jws: &str) {
        self.refuse_as_token(name, jws).await;
        self.refuse_as_assertion(name, jws).await;
    }

    async fn refuse_as_token(&self, name: &str, jws: &str) {
        self.refuse_as_good_token(name, jws).await;
        let revoked = self.caller.revoke(jws).await;
        if jws.is_empty() {
            is(name, &revoked, 400, "invalid_request");
        } else {
            // RFC 7009 §2.2: there is nothing to revoke.
            assert_eq!((revoked.status, revoked.text()), (200, ""), "{name}");
        }
    }

    /// Where it counts whether a token is good now.
    async fn refuse_as_good_token(&self, name: &str, jws: &str) {
        let test = self.caller.test;
        let mut verified = vec![test.post_form("/verify", &[("token", jws)]).await];
        if !jws.is_empty() && fits_into_a_header(jws) {
            verified.push(test.verify(jws).await);
            for (scheme, path) in [
                ("Bearer", "/verify/requiring/scope=read/a"),
                ("DPoP", "/verify"),
            ] {
                let authorization = format!("{scheme} {jws}");
                verified.push(
                    test.get_with(path, &[("authorization", &authorization)])
                        .await,
                );
            }
        }
        for answer in verified {
            if jws.is_empty() {
                is(name, &answer, 400, "invalid_request");
            } else {
                is(name, &answer, 401, "invalid_token");
            }
        }
        let introspected = self.caller.introspect(jws).await;
        if jws.is_empty() {
            is(name, &introspected, 400, "invalid_request");
        } else {
            let got = (introspected.status, introspected.text());
            assert_eq!(got, (200, r#"{"active":false}"#), "{name}");
        }
    }

    /// At all endpoints where a client may authenticate by an assertion.
    async fn refuse_as_assertion(&self, name: &str, jws: &str) {
        for path in ["/token", "/authorize", "/introspect", "/revoke"] {
            let params = [
                ("grant_type", "client_credentials"),
                ("token", "a"),
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", jws),
            ];
            let answer = self.caller.test.post_form(path, &params).await;
            if jws.is_empty() {
                is(name, &answer, 400, "invalid_request");
            } else {
                is(name, &answer, 401, "invalid_client");
            }
        }
    }
}

#[track_caller]
fn is(name: &str, answer: &Answer, status: u16, code: &str) {
    let got = (answer.status, answer.error());
    assert_eq!(got, (status, code.to_owned()), "{name}: {}", answer.text());
}

/// A key of [`CLIENT`], registered as `k`.
async fn assertion_key(test: &TestApp) -> Signer {
    let signer = Signer::new("ES256");
    registered_key(test, &signer).await;
    signer
}

/// Registers a key of [`CLIENT`] as `k`.
async fn registered_key(test: &TestApp, signer: &Signer) -> Value {
    let jwks = token_server::domain::JwkSet::parse(&signer.jwks("k")).unwrap();
    register(test, token_server::domain::ClientKeys::Inline(jwks)).await;
    signer.jwk("k")
}

fn fits_into_a_header(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A part of a JWT, as JSON.
fn part(jwt: &str, place: usize) -> Value {
    let part = jwt.split('.').nth(place).unwrap();
    token_server::base::json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Signed in HS256, whatever the header says.
fn hmac_signed(header: &str, payload: impl AsRef<[u8]>, secret: &[u8]) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    format!("{message}.{}", hmac_tag(&message, secret))
}

fn hmac_tag(message: &str, secret: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    encode(hmac::sign(&key, message.as_bytes()))
}

/// `object` with members replaced; null takes one out.
fn with(object: &Value, change: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in change.as_object().unwrap() {
        let members = object.as_object_mut().unwrap();
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object
}

#[tokio::test]
async fn what_is_good_is_accepted_at_every_door() {
    let test = service("ES256").await;
    let doors = Doors::of(&test).await;
    let signer = assertion_key(&test).await;

    doors.good_token().await;
    for path in ["/token", "/authorize", "/introspect", "/revoke"] {
        let jwt = signer.sign(serde_json::json!({"kid": "k"}), &super::assertion::claims());
        let params = [
            ("grant_type", "client_credentials"),
            ("token", "a"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &jwt),
        ];
        let answer = test.post_form(path, &params).await;
        assert_eq!(answer.status, 200, "{path} of {CLIENT}: {}", answer.text());
    }
}
