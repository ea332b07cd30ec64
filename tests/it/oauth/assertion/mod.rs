//! `private_key_jwt`: RFC 7523 §3 and RFC 7521 §4.2, row by row, and what must never be accepted.

mod claims;
mod client;
mod keys;
mod replay;

use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{AuthMethods, AuthenticationSettings, ClientKeys, JwkSet};

use crate::harness::workload::JWT_BEARER;
use crate::harness::{Answer, BY, CLIENT, NOW, Signer, TestApp, new_client};

/// Registers [`CLIENT`] with these keys and `private_key_jwt` alone.
pub(super) async fn register(test: &TestApp, keys: ClientKeys) {
    let new = NewClient {
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("private_key_jwt").unwrap(),
            keys: Some(keys),
            certificate_subject: None,
            ..AuthenticationSettings::default()
        },
        ..new_client(CLIENT)
    };
    test.app.clients.register(BY, new, None).await.unwrap();
}

/// The same with keys that are written down.
pub(crate) async fn register_with(test: &TestApp, jwks: &str) {
    register(test, inline(jwks)).await;
}

fn inline(jwks: &str) -> ClientKeys {
    ClientKeys::Inline(JwkSet::parse(jwks).unwrap())
}

/// Claims that are good, with a `jti` of their own.
pub(crate) fn claims() -> Value {
    let jti = token_server::base::secret::random_base62(16);
    json!({"iss": CLIENT, "sub": CLIENT, "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 60, "jti": jti})
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

pub(crate) async fn present(test: &TestApp, assertion: &str) -> Answer {
    present_at(test, "/token", assertion, &[]).await
}

pub(crate) async fn present_at(
    test: &TestApp,
    path: &str,
    assertion: &str,
    more: &[(&str, &str)],
) -> Answer {
    let base = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    test.post_form(path, &[&base, more].concat()).await
}

/// A service with a client whose key is `k`, and that key.
async fn es256() -> (TestApp, Signer) {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    register(&test, inline(&signer.jwks("k"))).await;
    (test, signer)
}

fn key() -> Value {
    json!({"kid": "k"})
}
