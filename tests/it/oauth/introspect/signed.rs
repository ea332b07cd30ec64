//! Signed answers (RFC 9701).

use axum::http::Request;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::assert_inactive;
use crate::harness::{Answer, NOW, TestApp};
use crate::oauth::Caller;

const JWT: &str = "application/token-introspection+jwt";

async fn introspect_accepting(caller: &Caller<'_>, accept: &str, token: &str) -> Answer {
    let body = json!({"client_id": caller.id, "client_secret": caller.secret, "token": token});
    let request = Request::post("/introspect")
        .header("accept", accept)
        .header("content-type", "application/json")
        .body(body.to_string().into());
    caller.test.call(request.unwrap()).await
}

#[tokio::test]
async fn a_signed_answer_is_refused_under_a_symmetric_key() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "api", "", "").await;
    let token = caller.token().await;
    let either = format!("application/json, {JWT};q=0.9");

    let signed = introspect_accepting(&caller, JWT, &token).await;
    let json = introspect_accepting(&caller, &either, &token).await;

    signed.assert_error(406, "not_acceptable");
    assert_eq!(json.json()["active"], true);
}

#[tokio::test]
async fn a_signed_answer_can_be_verified_by_the_published_keys() {
    let all = "https://all.test";
    let test = TestApp::with(&[("SIGNING_ALG", "ES256"), ("AUDIENCE", all)]).await;
    let api = Caller::service(&test, "api", all).await;
    let token = Caller::new(&test, "billing", "", "").await.token().await;
    let keys = JwkSet::deserialize(test.get("/.well-known/jwks.json").await.json()).unwrap();
    let read = |answer: &Answer| {
        assert_eq!((answer.status, answer.header("content-type")), (200, JWT));
        assert_eq!(answer.header("cache-control"), "no-store");
        let header = decode_header(answer.text()).unwrap();
        assert_eq!(header.typ.as_deref(), Some("token-introspection+jwt"));
        let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["api"]);
        validation.set_issuer(&["https://tokens.test"]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        decode::<Value>(answer.text(), &key, &validation)
            .unwrap()
            .claims
    };
    let plain = api.introspect(&token).await.json();

    let active = read(&introspect_accepting(&api, JWT, &token).await);
    let foreign = Caller::new(&test, "mailer", "", "https://mail.test").await;
    let foreign = foreign.token().await;

    // No `sub` and no `exp` beside `token_introspection` (RFC 9701 §5).
    assert_eq!(
        active,
        json!({"iss": "https://tokens.test", "aud": "api", "iat": NOW.0, "token_introspection": plain})
    );
    for token in ["nonsense", &foreign] {
        let inactive = read(&introspect_accepting(&api, JWT, token).await);
        assert_eq!(inactive["token_introspection"], json!({"active": false}));
    }
}

#[tokio::test]
async fn a_signed_answer_is_no_access_token() {
    let test = TestApp::with(&[("SIGNING_ALG", "EdDSA")]).await;
    let caller = Caller::new(&test, "api", "", "").await;
    let token = caller.token().await;

    let signed = introspect_accepting(&caller, JWT, &token).await;

    assert_eq!(signed.status, 200);
    test.verify(signed.text())
        .await
        .assert_error(401, "invalid_token");
    assert_inactive(&caller.introspect(signed.text()).await);
}
