//! Tokens bound to the certificate of their client (RFC 8705 §3): on a real port, and behind a proxy that ends TLS.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::certificates::params;
use crate::harness::{Answer, CLIENT, Holder, Served, TestApp};

fn thumbprint(holder: &Holder) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &holder.der()))
}

fn client(served: &Served, holder: Option<&Holder>) -> reqwest::Client {
    let client = served.client();
    match holder {
        Some(holder) => client.identity(holder.identity()),
        None => client,
    }
    .build()
    .unwrap()
}

async fn ask(served: &Served, holder: Option<&Holder>, secret: &str) -> (u16, Value) {
    let request = client(served, holder).post(served.url("/token"));
    let params = [("grant_type", "client_credentials")];
    let request = request.basic_auth(CLIENT, Some(secret)).form(&params);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn verify(served: &Served, holder: Option<&Holder>, token: &str) -> (u16, Value) {
    let request = client(served, holder).get(served.url("/verify"));
    let answer = request.bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_token_is_good_on_connections_with_its_certificate_only() {
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    let secret = served.test.certificate_bound_client().await;
    let (holder, other) = (
        Holder::self_signed(&params()),
        Holder::self_signed(&params()),
    );

    let (status, answer) = ask(&served, Some(&holder), &secret).await;

    assert_eq!((status, &answer["token_type"]), (200, &"Bearer".into()));
    let token = answer["access_token"].as_str().unwrap();
    let (status, claims) = verify(&served, Some(&holder), token).await;
    assert_eq!(status, 200, "{claims}");
    assert_eq!(claims["cnf"]["x5t#S256"], thumbprint(&holder));
    for (holder, told) in [
        (Some(&other), "another"),
        (None, "but the request has none"),
    ] {
        let (status, answer) = verify(&served, holder, token).await;
        assert_eq!((status, &answer["error"]), (401, &"invalid_token".into()));
        let description = answer["error_description"].as_str().unwrap();
        assert!(description.contains(told), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_must_be_bound_is_refused_without_a_certificate() {
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    let secret = served.test.certificate_bound_client().await;

    let (status, answer) = ask(&served, None, &secret).await;

    assert_eq!((status, &answer["error"]), (400, &"invalid_request".into()));
}

#[tokio::test]
async fn a_certificate_binds_nothing_where_the_client_is_not_registered_so() {
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    let secret = served.test.client().await;
    let holder = Holder::self_signed(&params());

    let (_, answer) = ask(&served, Some(&holder), &secret).await;

    let token = answer["access_token"].as_str().unwrap();
    let (status, claims) = verify(&served, None, token).await;
    assert_eq!((status, claims.get("cnf")), (200, None));
}

/// The address from which tests call is in it.
const TRUSTED: [(&str, &str); 2] = [
    ("TRUSTED_PROXIES", "192.0.2.1"),
    ("CLIENT_CERT_HEADER", "Client-Cert"),
];

async fn ask_proxied(test: &TestApp, secret: &str, header: &str) -> Answer {
    let params = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret),
    ];
    test.post_form_with("/token", &params, &[("client-cert", header)])
        .await
}

async fn verify_proxied(test: &TestApp, token: &str, headers: &[&str]) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut all = vec![("authorization", authorization.as_str())];
    all.extend(headers.iter().map(|value| ("client-cert", *value)));
    test.get_with("/verify", &all).await
}

#[tokio::test]
async fn a_bare_token_is_refused_with_its_certificate_too() {
    let test = TestApp::with(&TRUSTED).await;
    let secret = test.certificate_bound_client().await;
    let certificate = STANDARD.encode(Holder::self_signed(&params()).der());
    let issued = ask_proxied(&test, &secret, &certificate).await.json();
    let token = issued["access_token"].as_str().unwrap();
    assert_eq!(
        verify_proxied(&test, token, &[&certificate]).await.status,
        200
    );

    let headers = [("authorization", token), ("client-cert", &certificate)];
    let bare = test.get_with("/verify", &headers).await;

    bare.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn a_trusted_proxy_says_the_certificate_in_any_of_the_usual_forms() {
    let test = TestApp::with(&TRUSTED).await;
    let secret = test.certificate_bound_client().await;
    let (holder, other) = (
        Holder::self_signed(&params()),
        Holder::self_signed(&params()),
    );
    let rfc_9440 = |holder: &Holder| format!(":{}:", STANDARD.encode(holder.der()));
    let escaped = utf8_percent_encode(&holder.pem, NON_ALPHANUMERIC).to_string();

    let answer = ask_proxied(&test, &secret, &rfc_9440(&holder)).await;

    let token = answer.access_token();
    for header in [rfc_9440(&holder), escaped, STANDARD.encode(holder.der())] {
        let verified = verify_proxied(&test, &token, &[&header]).await;
        assert_eq!(verified.status, 200, "{}", verified.text());
    }
    let (good, bad) = (rfc_9440(&holder), rfc_9440(&other));
    for headers in [&[bad.as_str()][..], &[], &[""], &["::"]] {
        let refused = verify_proxied(&test, &token, headers).await;
        refused.assert_error(401, "invalid_token");
    }
    for headers in [&["rubbish"][..], &["null"], &[&good, &bad]] {
        let refused = verify_proxied(&test, &token, headers).await;
        refused.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn where_the_proxy_says_that_there_is_none_no_token_is_bound_to_that() {
    let test = TestApp::with(&TRUSTED).await;
    let secret = test.certificate_bound_client().await;

    for header in ["", "::", "null", ":AAAA:"] {
        let refused = ask_proxied(&test, &secret, header).await;
        refused.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn from_anybody_else_the_header_means_nothing() {
    let test = TestApp::with(&TRUSTED).await;
    let settings = [("TRUSTED_PROXIES", "10.0.0.0/8"), TRUSTED[1]];
    let elsewhere = TestApp::on(test.database.clone(), &settings).await;
    let secret = test.certificate_bound_client().await;
    let holder = Holder::self_signed(&params());
    let header = format!(":{}:", STANDARD.encode(holder.der()));
    let answer = ask_proxied(&test, &secret, &header).await;
    let token = answer.access_token();

    let verified = verify_proxied(&elsewhere, &token, &[&header]).await;

    verified.assert_error(401, "invalid_token");
    let refused = ask_proxied(&elsewhere, &secret, &header).await;
    refused.assert_error(400, "invalid_request");
}

/// RFC 8705 §3.2: who verifies by introspection has to know the certificate too.
#[tokio::test]
async fn introspection_tells_the_certificate() {
    let test = TestApp::with(&TRUSTED).await;
    let secret = test.certificate_bound_client().await;
    let holder = Holder::self_signed(&params());
    let header = format!(":{}:", STANDARD.encode(holder.der()));
    let answer = ask_proxied(&test, &secret, &header).await;
    let token = answer.access_token();

    let userinfo = format!("{CLIENT}:{secret}");
    let asked = [("token", token.as_str())];
    let introspected = test.post_basic("/introspect", &userinfo, &asked).await;

    let introspected = introspected.json();
    assert_eq!(introspected["token_type"], "Bearer", "{introspected}");
    assert_eq!(
        introspected["cnf"],
        serde_json::json!({"x5t#S256": thumbprint(&holder)})
    );
}
