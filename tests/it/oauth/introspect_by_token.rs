//! A client that introspects with a token of its own in place of its authentication (RFC 7662 §2.1).

use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{
    AllowedNetworks, Audience, ClientChanges, ClientStatus, ExpectedVersion, Scope,
    SenderConstraint,
};

use super::Caller;
use super::certificates::params;
use crate::harness::workload::JWT_BEARER;
use crate::harness::{Answer, BY, Holder, Log, Prover, TestApp, form, id, new_client};

const SCOPE: &str = "token:introspect";

/// ISSUER of tests.
const ISSUER: &str = "https://tokens.test";

const URL: &str = "https://tokens.test/introspect";

async fn introspect(test: &TestApp, headers: &[(&str, &str)], token: &str) -> Answer {
    test.post_form_with("/introspect", &[("token", token)], headers)
        .await
}

async fn introspect_as(test: &TestApp, own: &str, token: &str) -> Answer {
    introspect(test, &[("authorization", &bearer(own))], token).await
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A token of a client that is not the one that introspects.
async fn token_of_other(test: &TestApp) -> String {
    let other = Caller::new(test, "billing", "read", "https://api.test").await;
    other.token().await
}

async fn change(test: &TestApp, client_id: &str, changes: ClientChanges) {
    test.update_client(&id(client_id), changes).await;
}

#[tokio::test]
async fn a_token_with_the_scope_for_it_introspects_as_its_client_does() {
    let test = TestApp::new().await;
    let gateway = Caller::new(&test, "gateway", SCOPE, "").await;
    let (own, token) = (gateway.token().await, token_of_other(&test).await);
    let log = Log::default();
    let guard = log.capture();

    let by_token = introspect_as(&test, &own, &token).await;

    drop(guard);
    let by_secret = gateway.introspect(&token).await;
    assert_eq!(by_token.status, 200, "{}", by_token.text());
    assert_eq!(by_token.json(), by_secret.json());
    assert_eq!(by_token.json()["client_id"], "billing");
    assert_eq!(by_token.header("cache-control"), "no-store");
    assert_eq!(log.requests().remove(0)["client_id"], "gateway");
    assert!(!log.text().contains(&own[..40]));
    let itself = introspect_as(&test, &own, &own).await;
    assert_eq!(itself.json()["active"], true);
    let in_json = Request::post("/introspect")
        .header("content-type", "application/json")
        .header("authorization", bearer(&own))
        .body(json!({ "token": token }).to_string().into());
    let in_json = test.call(in_json.unwrap()).await;
    assert_eq!(in_json.json(), by_secret.json());
}

/// The scope in the token lets the client ask; what it may see follows from its record of now.
#[tokio::test]
async fn what_it_may_see_follows_from_the_identifiers_and_scopes_of_its_client() {
    let test = TestApp::new().await;
    let api = Caller::register(&test, "api", SCOPE, "", "https://api.test").await;
    let own = api.token().await;
    let for_api = token_of_other(&test).await;
    let mailer = Caller::new(&test, "mailer", "", "https://mail.test").await;
    let for_mail = mailer.token().await;
    let active = async |token: &str| {
        let answer = introspect_as(&test, &own, token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["active"].as_bool().unwrap()
    };
    assert!(active(&for_api).await && active(&for_mail).await);

    let changes = ClientChanges {
        scopes: Some(Scope::parse("read").unwrap()),
        ..ClientChanges::default()
    };
    change(&test, "api", changes).await;

    assert!(active(&for_api).await);
    assert!(!active(&for_mail).await);
}

#[tokio::test]
async fn a_token_without_the_scope_is_403_and_the_answer_names_it() {
    let test = TestApp::new().await;
    let api = Caller::register(&test, "api", "read", "", "https://api.test").await;
    let (own, token) = (api.token().await, token_of_other(&test).await);

    let answer = introspect_as(&test, &own, &token).await;

    answer.assert_error(403, "insufficient_scope");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer ") && challenge.contains(r#"scope="token:introspect""#));
}

/// Any service that it is for could use it.
#[tokio::test]
async fn a_token_for_another_service_is_refused() {
    let test = TestApp::new().await;
    let token = token_of_other(&test).await;
    for (name, audiences) in [
        ("one", "https://one.test"),
        ("admin", "https://tokens.test/admin/api"),
    ] {
        let caller = Caller::new(&test, name, SCOPE, audiences).await;
        let answer = introspect_as(&test, &caller.token().await, &token).await;
        answer.assert_error(401, "invalid_token");
        assert!(answer.text().contains("ask for one with the audience"));
        assert!(
            answer
                .header("www-authenticate")
                .contains(r#"error="invalid_token""#)
        );
    }
    let both = format!("https://one.test {ISSUER}");
    let caller = Caller::new(&test, "both", SCOPE, &both).await;
    let params = [("grant_type", "client_credentials"), ("resource", ISSUER)];
    let own = caller.post("/token", &params).await.access_token();
    assert_eq!(introspect_as(&test, &own, &token).await.status, 200);
}

#[tokio::test]
async fn every_bad_token_is_401_with_a_challenge() {
    let test = TestApp::new().await;
    let token = token_of_other(&test).await;
    let gateway = Caller::new(&test, "gateway", SCOPE, "").await;
    let (off, gone) = (
        Caller::new(&test, "off", SCOPE, "").await,
        Caller::new(&test, "gone", SCOPE, "").await,
    );
    let foreign = TestApp::with(&[("SECRET", "another secret, of more than 32 bytes")]).await;
    let forged = Caller::new(&foreign, "gateway", SCOPE, "").await;
    let revoked = gateway.token().await;
    gateway.revoke(&revoked).await;
    let bad = [
        "nonsense".to_owned(),
        format!("{}x", gateway.token().await),
        revoked,
        forged.token().await,
        off.token().await,
        gone.token().await,
    ];
    let (off, gone) = (id("off"), id("gone"));
    let disabled = ClientStatus::Disabled;
    let clients = &test.app.clients;
    clients.set_status(BY, &off, disabled).await.unwrap();
    let any = ExpectedVersion::Any;
    clients.delete(BY, &gone, &any).await.unwrap();

    for own in &bad {
        let answer = introspect_as(&test, own, &token).await;
        answer.assert_error(401, "invalid_token");
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
    }
    let own = gateway.token().await;
    test.clock.advance(4_000);
    let expired = introspect_as(&test, &own, &token).await;
    expired.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn a_client_has_to_call_from_its_networks_with_a_token_too() {
    let test = TestApp::new().await;
    let gateway = Caller::new(&test, "gateway", SCOPE, "").await;
    let (own, token) = (gateway.token().await, token_of_other(&test).await);
    let changes = ClientChanges {
        allowed_networks: AllowedNetworks::parse("10.0.0.0/8").ok(),
        ..ClientChanges::default()
    };
    change(&test, "gateway", changes).await;
    let request = || {
        let request = Request::post("/introspect")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", bearer(&own));
        request.body(form(&[("token", &token)]).into()).unwrap()
    };

    let answer = test.call_from("192.0.2.1", request()).await;

    answer.assert_error(401, "invalid_token");
    let request_id = answer.header("x-request-id");
    let explained = test.app.audit.explain_request(request_id).await.unwrap();
    assert!(
        explained[0].reason.contains("wrong network: 192.0.2.1"),
        "{explained:?}"
    );
    let within = test.call_from("10.1.2.3", request()).await;
    assert_eq!(within.status, 200, "{}", within.text());
}

#[tokio::test]
async fn a_token_beside_a_client_authentication_is_400() {
    let test = TestApp::new().await;
    let gateway = Caller::new(&test, "gateway", SCOPE, "").await;
    let (own, token) = (gateway.token().await, token_of_other(&test).await);
    let secret = gateway.secret.as_str();
    let ask = async |beside: &[(&str, &str)]| {
        let params = [&[("token", &*token)], beside].concat();
        let headers = [("authorization", &*bearer(&own))];
        test.post_form_with("/introspect", &params, &headers).await
    };

    for beside in [
        &[("client_id", "gateway"), ("client_secret", secret)][..],
        &[("client_secret", secret)],
        &[
            ("client_assertion", "a.b.c"),
            ("client_assertion_type", JWT_BEARER),
        ],
        &[("client_assertion_type", JWT_BEARER)],
        &[("client_id", "billing")],
    ] {
        ask(beside).await.assert_error(400, "invalid_request");
    }
    let basic = [
        ("authorization", &*bearer(&own)),
        ("authorization", "Basic Z2F0ZXdheTp4"),
    ];
    let twice = introspect(&test, &basic, &token).await;
    twice.assert_error(400, "invalid_request");
    assert_eq!(ask(&[("client_id", "gateway")]).await.status, 200);
    let nothing = test
        .post_form_with("/introspect", &[], &[("authorization", &bearer(&own))])
        .await;
    nothing.assert_error(400, "invalid_request");
}

/// `/revoke` is for the client of the token, which proves itself.
#[tokio::test]
async fn a_token_is_no_authentication_at_revoke() {
    let test = TestApp::new().await;
    let gateway = Caller::new(&test, "gateway", SCOPE, "").await;
    let own = gateway.token().await;

    let headers = [("authorization", &*bearer(&own))];
    let answer = test
        .post_form_with("/revoke", &[("token", &own)], &headers)
        .await;

    answer.assert_error(401, "invalid_client");
    assert_eq!(test.verify(&own).await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_needs_a_proof_of_this_request() {
    let test = TestApp::new().await;
    let (prover, stranger) = (Prover::new("ES256"), Prover::new("ES256"));
    let gateway = Caller::new(&test, "gateway", SCOPE, "").await;
    let token = token_of_other(&test).await;
    let proof = prover.prove("POST", "https://tokens.test/authorize");
    let params = [
        ("client_id", "gateway"),
        ("client_secret", gateway.secret.as_str()),
    ];
    let issued = test
        .post_form_with("/authorize", &params, &[("dpop", &proof)])
        .await;
    let own = issued.token();
    let dpop = format!("DPoP {own}");
    let ask = async |authorization: &str, proof: &str| {
        let headers = [("authorization", authorization), ("dpop", proof)];
        introspect(&test, &headers, &token).await
    };

    let good = prover.prove_with("POST", URL, &own);
    let stolen = ask(&bearer(&own), &good).await;
    stolen.assert_error(401, "invalid_token");
    assert!(stolen.header("www-authenticate").starts_with("DPoP "));
    let alone = introspect(&test, &[("authorization", &dpop)], &token).await;
    alone.assert_error(401, "invalid_dpop_proof");
    for (proof, code) in [
        (prover.prove_with("GET", URL, &own), "invalid_dpop_proof"),
        (
            prover.prove_with("POST", "https://tokens.test/revoke", &own),
            "invalid_dpop_proof",
        ),
        (
            prover.prove_with("POST", URL, "another"),
            "invalid_dpop_proof",
        ),
        (stranger.prove_with("POST", URL, &own), "invalid_token"),
    ] {
        ask(&dpop, &proof).await.assert_error(401, code);
    }
    let answer = ask(&dpop, &good).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.header("dpop-nonce").is_empty());
    ask(&dpop, &good)
        .await
        .assert_error(401, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_it() {
    let proxy = [
        ("TRUSTED_PROXIES", "192.0.2.1"),
        ("CLIENT_CERT_HEADER", "client-cert"),
    ];
    let test = TestApp::with(&proxy).await;
    let new = NewClient {
        scopes: Scope::parse(SCOPE).unwrap(),
        audiences: Audience::parse_list(ISSUER).unwrap(),
        sender_constraint: SenderConstraint {
            tls_client_certificate_bound_access_tokens: true,
            ..SenderConstraint::default()
        },
        ..new_client("gateway")
    };
    let secret = test.register(new).await;
    let token = token_of_other(&test).await;
    let certificate = |holder: Holder| STANDARD.encode(holder.der());
    let own_certificate = certificate(Holder::self_signed(&params()));
    let another = certificate(Holder::self_signed(&params()));
    let credentials = [("client_id", "gateway"), ("client_secret", &*secret)];
    let headers = [("client-cert", &*own_certificate)];
    let issued = test.post_form_with("/authorize", &credentials, &headers);
    let issued = issued.await;
    let own = bearer(issued.json()["token"].as_str().unwrap());

    let with = [("authorization", &*own), ("client-cert", &*own_certificate)];
    let answer = introspect(&test, &with, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // A certificate and a client_id are an authentication of the client.
    let both = [("token", &*token), ("client_id", "gateway")];
    let both = test.post_form_with("/introspect", &both, &with).await;
    both.assert_error(400, "invalid_request");
    for headers in [
        &[("authorization", &*own)][..],
        &[("authorization", &*own), ("client-cert", &*another)],
    ] {
        let refused = introspect(&test, headers, &token).await;
        refused.assert_error(401, "invalid_token");
    }
}
