//! Tokens bound to a key (RFC 9449): issuing them, and what comes with them.

mod checks;
mod nonce;
mod proxied;
mod token;
mod verify;

use token_server::app::NewClient;
use token_server::domain::{Scope, SenderConstraint};

use crate::harness::{Answer, CLIENT, Prover, TestApp, new_client};

/// The token endpoint and `/verify`, as the issuer of tests has them.
const TOKEN_URL: &str = "https://tokens.test/token";
const VERIFY_URL: &str = "https://tokens.test/verify";

/// `POST /token` with these headers.
async fn ask(test: &TestApp, secret: &str, headers: &[(&str, &str)]) -> Answer {
    let params = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret),
    ];
    test.post_form_with("/token", &params, headers).await
}

/// A service, a client's key, and a token bound to it.
async fn bound() -> (TestApp, Prover, String) {
    bound_with(&[]).await
}

async fn bound_with(settings: &[(&str, &str)]) -> (TestApp, Prover, String) {
    let (test, prover) = (TestApp::with(settings).await, Prover::new("ES256"));
    let secret = test.client().await;
    let answer = ask(
        &test,
        &secret,
        &[("dpop", &prover.prove("POST", TOKEN_URL))],
    )
    .await;
    let token = answer.access_token();
    (test, prover, token)
}

/// `GET /verify` with the scheme `DPoP`.
async fn verify(test: &TestApp, token: &str, proof: &str) -> Answer {
    let authorization = format!("DPoP {token}");
    test.get_with(
        "/verify",
        &[("authorization", &authorization), ("dpop", proof)],
    )
    .await
}

/// Registers [`CLIENT`] as one whose tokens must be bound to a key.
async fn register_dpop_bound(test: &TestApp) -> String {
    test.register(NewClient {
        scopes: Scope::parse("read").unwrap(),
        sender_constraint: SenderConstraint {
            dpop_bound_access_tokens: true,
            ..SenderConstraint::default()
        },
        ..new_client(CLIENT)
    })
    .await
}
