//! Issuing tokens that are bound to a key.

use token_server::app::NewClient;
use token_server::domain::Scope;

use super::{TOKEN_URL, ask, bound, register_dpop_bound};
use crate::harness::{CLIENT, Prover, TestApp, new_client};

#[tokio::test]
async fn a_proof_binds_the_token_to_its_key() {
    let (test, prover, token) = bound().await;
    let secret = test
        .register(NewClient {
            scopes: Scope::parse("token:introspect").unwrap(),
            ..new_client("api")
        })
        .await;

    let userinfo = format!("api:{secret}");
    let introspected = test
        .post_basic("/introspect", &userinfo, &[("token", &token)])
        .await
        .json();

    assert_eq!(introspected["token_type"], "DPoP", "{introspected}");
    assert_eq!(introspected["cnf"]["jkt"], prover.jkt());
    assert_eq!(introspected["cnf"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_proof_the_token_is_a_bearer_token_without_cnf() {
    let test = TestApp::new().await;
    let secret = test.client().await;

    let answer = ask(&test, &secret, &[]).await;

    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(answer.header("dpop-nonce"), "");
    let token = answer.access_token();
    let claims = test.verify(&token).await.json();
    assert!(claims.get("cnf").is_none(), "{claims}");
}

#[tokio::test]
async fn authorize_binds_too_with_a_proof_for_itself() {
    let test = TestApp::new().await;
    let (secret, prover) = (test.client().await, Prover::new("EdDSA"));
    let params = [("client_id", CLIENT), ("client_secret", secret.as_str())];
    let proof = prover.prove("POST", "https://tokens.test/authorize");

    let answer = test
        .post_form_with("/authorize", &params, &[("dpop", &proof)])
        .await;

    assert_eq!(answer.json()["token_type"], "DPoP", "{}", answer.text());
    assert_ne!(answer.header("dpop-nonce"), "");
    let for_token = prover.prove("POST", TOKEN_URL);
    let refused = test
        .post_form_with("/authorize", &params, &[("dpop", &for_token)])
        .await;
    refused.assert_error(400, "invalid_dpop_proof");
    assert_eq!(refused.json()["success"], false);
}

#[tokio::test]
async fn a_client_that_must_be_bound_is_refused_without_a_proof() {
    let test = TestApp::new().await;
    let (secret, prover) = (register_dpop_bound(&test).await, Prover::new("ES256"));

    let refused = ask(&test, &secret, &[]).await;

    refused.assert_error(400, "invalid_dpop_proof");
    let params = [("client_id", CLIENT), ("client_secret", secret.as_str())];
    let refused = test.post_form("/authorize", &params).await;
    refused.assert_error(400, "invalid_dpop_proof");
    let proof = prover.prove("POST", TOKEN_URL);
    let answer = ask(&test, &secret, &[("dpop", &proof)]).await;
    assert_eq!(answer.json()["token_type"], "DPoP", "{}", answer.text());
}

#[tokio::test]
async fn who_is_not_the_client_learns_nothing_by_a_proof() {
    let test = TestApp::new().await;
    register_dpop_bound(&test).await;

    let refused = ask(&test, "wrong", &[("dpop", "rubbish")]).await;

    refused.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn the_metadata_says_what_proofs_may_be_signed_with() {
    let test = TestApp::new().await;

    let metadata = test.get("/.well-known/oauth-authorization-server").await;

    let metadata = metadata.json();
    let algorithms = &metadata["dpop_signing_alg_values_supported"];
    assert_eq!(algorithms[0], "ES256");
    assert!(!algorithms.to_string().contains("HS256"));
    let bound = metadata.get("tls_client_certificate_bound_access_tokens");
    assert_eq!(bound, None);
    let settings = [("TLS_CLIENT_CERTIFICATES", "true")];
    let metadata = TestApp::with(&settings)
        .await
        .get("/.well-known/oauth-authorization-server")
        .await
        .json();
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
}
