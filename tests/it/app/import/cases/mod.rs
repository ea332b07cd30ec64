//! Clients that Ory Hydra and Keycloak wrote themselves (`tests/import/cases`): each logs in with its old secret and gets what
//! it got there, or the import has a line that says why not.

mod hydra;
mod keycloak;

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{ImportLine, ImportOptions, OnConflict};
use token_server::base::json;

use crate::harness::{Answer, NOW, Signer, TestApp};
use crate::oauth::assertion::present_at;

const ES256_PEM: &str = include_str!("../../../../import/cases/es256.pem");
const RS256_PEM: &str = include_str!("../../../../import/cases/rs256.pem");

/// `TOKEN_TTL`, which is that of Hydra too.
const TTL: i64 = 3_600;

const KEEP_GOING: ImportOptions = ImportOptions {
    on_conflict: OnConflict::Refuse,
    ..super::KEEP_GOING
};

/// Settings as the documentation says for such a move.
const SETTINGS: &[(&str, &str)] = &[("MIN_SECRET_LENGTH", "8"), ("IGNORE_OIDC_SCOPES", "true")];

fn parse(text: &str) -> Value {
    json::from_str(text).unwrap()
}

fn list(text: &str) -> Vec<Value> {
    parse(text).as_array().unwrap().clone()
}

/// What is told of a client, whatever comes of it; `row` is its place in the file, from 1.
fn told(lines: &[ImportLine], row: u64) -> String {
    let line = lines.iter().find(|it| it.row == row).unwrap();
    let told = line.reason.iter().chain(&line.remarks);
    told.map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn words(value: &Value) -> Vec<String> {
    let words = value.as_str().unwrap_or_default().split_whitespace();
    words.map(str::to_owned).collect()
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

/// RFC 6749 §2.3.1: both halves are encoded as in a form.
fn userinfo(id: &str, secret: &str) -> String {
    let encode = |text: &str| crate::harness::form(&[("x", text)]).split_off("x=".len());
    format!("{}:{}", encode(id), encode(secret))
}

fn assertion(id: &str, alg: &str) -> String {
    let (signer, kid) = match alg {
        "RS256" => (Signer::from_pem("RS256", RS256_PEM), "rs-1"),
        _ => (Signer::from_pem("ES256", ES256_PEM), "es-1"),
    };
    let claims = json!({"iss": id, "sub": id, "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 60,
        "jti": token_server::base::secret::random_base62(16)});
    signer.sign(json!({"kid": kid}), &claims)
}

/// Asks for a token in the way that the client was registered for.
async fn ask(test: &TestApp, id: &str, how: &str, secret: &str, ask: &[(&str, &str)]) -> Answer {
    let grant = [("grant_type", "client_credentials")];
    let params = [&grant[..], ask].concat();
    match how {
        "client_secret_basic" | "basic" => {
            test.post_basic("/token", &userinfo(id, secret), &params)
                .await
        }
        "client_secret_post" => {
            let own = [("client_id", id), ("client_secret", secret)];
            test.post_form("/token", &[&params[..], &own].concat())
                .await
        }
        "private_key_jwt" | "pkj:ES256" => {
            let alg = if id == "pkj-rs256" { "RS256" } else { "ES256" };
            present_at(test, "/token", &assertion(id, alg), ask).await
        }
        _ => panic!("{id}: {how}"),
    }
}

/// The claims of the token in an answer, as a microservice reads them.
async fn claims(test: &TestApp, id: &str, answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    let token = answer.access_token();
    let verified = test.verify(&token).await;
    assert_eq!(verified.status, 200, "{id}: {}", verified.text());
    verified.json()
}

fn metadata(of: &Value) -> Value {
    of.get("metadata").cloned().unwrap_or(json!({}))
}
