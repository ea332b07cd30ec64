//! The signing keys: every algorithm, their life, two replicas at once, what is published and what is not believed.

mod algorithms;
mod change;
pub(crate) mod confusion;
mod jwks;
mod load;
mod replicas;
mod rotation;
mod sealing;
mod signing_lane;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use token_server::domain::{KeyRecord, KeyState};

use crate::harness::TestApp;

/// The algorithms with a key pair.
const PAIRS: [&str; 4] = ["ES256", "EdDSA", "RS256", "PS256"];

/// A service that signs with `alg`.
async fn signing(alg: &str) -> TestApp {
    TestApp::with(&[("SIGNING_ALG", alg)]).await
}

/// Another replica of the same service.
async fn replica(test: &TestApp, alg: &str) -> TestApp {
    TestApp::on(test.database.clone(), &[("SIGNING_ALG", alg)]).await
}

/// The published keys.
async fn jwks(test: &TestApp) -> Value {
    let answer = test.get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The names of the published keys.
async fn published(test: &TestApp) -> Vec<String> {
    let keys = jwks(test).await;
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// The header of a token.
fn header(token: &str) -> jsonwebtoken::Header {
    jsonwebtoken::decode_header(token).unwrap()
}

/// The key that a token was signed with.
fn kid(token: &str) -> String {
    header(token).kid.unwrap()
}

/// What a resource server does that knows the JWKS and nothing else of ours; its times are not checked, as the
/// test's clock stands still.
fn verify_offline(token: &str, jwks: &Value) -> Option<Value> {
    let set = JwkSet::deserialize(jwks).unwrap();
    let jwk = set.find(&kid(token))?;
    let alg: Algorithm = jwk.common.key_algorithm?.try_into().ok()?;
    let mut validation = Validation::new(alg);
    validation.set_audience(&["https://tokens.test"]);
    validation.set_issuer(&["https://tokens.test"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(jwk).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &validation)
        .ok()
        .map(|data| data.claims)
}

/// The kept keys in a state.
async fn kept(test: &TestApp, state: &str) -> Vec<KeyRecord> {
    let mut keys = test.app.store().list_keys().await.unwrap();
    keys.retain(|key| key.state.as_str() == state);
    keys
}

/// The only kept key in a state.
async fn the(test: &TestApp, state: &str) -> KeyRecord {
    let keys = kept(test, state).await;
    let [key] = keys.as_slice() else {
        panic!("{state}: {keys:?}")
    };
    assert_eq!(key.state == KeyState::Next, state == "next");
    key.clone()
}
