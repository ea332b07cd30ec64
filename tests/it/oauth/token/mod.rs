//! `POST /token`: RFC 6749 §2.3, §3.2, §3.3, §4.4, §5 and RFC 8707 §2, row by row.

mod resources;

use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{AuthMethods, AuthenticationSettings, ClientStatus};

use crate::harness::workload::JWT_BEARER;
use crate::harness::{Answer, CLIENT, TestApp, id, new_client};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// `POST /token` with Basic.
async fn ask(test: &TestApp, secret: &str, params: &[(&str, &str)]) -> Answer {
    let params = [&[GRANT], params].concat();
    test.post_basic("/token", &format!("{CLIENT}:{secret}"), &params)
        .await
}

#[tokio::test]
async fn basic_a_form_and_json_get_the_standard_answer() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let form = [GRANT, ("client_id", CLIENT), ("client_secret", &secret)];
    let body =
        json!({"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": secret});

    for answer in [
        ask(&test, &secret, &[]).await,
        test.post_form("/token", &form).await,
        test.post("/token", "application/json", body.to_string())
            .await,
    ] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        assert_eq!(json["token_type"], "Bearer");
        assert_eq!(json["expires_in"], 3600);
        assert_eq!(json["scope"], "read write");
        assert_eq!(json.as_object().unwrap().len(), 4);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("pragma"), "no-cache");
        let token = json["access_token"].as_str().unwrap();
        assert_eq!(test.verify(token).await.json()["client_id"], CLIENT);
    }
}

#[tokio::test]
async fn an_error_has_both_cache_headers_too() {
    let test = TestApp::new().await;

    let refused = test.post_form("/token", &[GRANT]).await;

    assert_eq!(refused.header("cache-control"), "no-store");
    assert_eq!(refused.header("pragma"), "no-cache");
}

#[tokio::test]
async fn the_grant_type_is_known_and_has_to_be_there() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let userinfo = format!("{CLIENT}:{secret}");
    let grant = async |params: &[(&str, &str)]| test.post_basic("/token", &userinfo, params).await;

    grant(&[]).await.assert_error(400, "invalid_request");
    grant(&[("grant_type", "")])
        .await
        .assert_error(400, "invalid_request");
    for other in [
        "password",
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token_exchange",
        "Client_Credentials",
    ] {
        let refused = grant(&[("grant_type", other)]).await;
        refused.assert_error(400, "unsupported_grant_type");
        assert!(refused.text().contains("client_credentials"));
    }
}

#[tokio::test]
async fn without_client_authentication_it_is_401_with_a_challenge() {
    let test = TestApp::new().await;
    test.client().await;

    for params in [&[GRANT][..], &[GRANT, ("client_id", CLIENT)]] {
        let refused = test.post_form("/token", params).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.header("www-authenticate").starts_with("Basic "));
        assert!(refused.text().contains("no client authentication"));
    }
}

#[tokio::test]
async fn unknown_disabled_and_wrong_are_one_answer_with_a_challenge() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let off = id("off");
    let off_secret = test
        .register(NewClient {
            client_id: Some(off.clone()),
            ..NewClient::default()
        })
        .await;
    let disabled = ClientStatus::Disabled;
    test.set_client_status(&off, disabled).await;

    let mut answers = Vec::new();
    for userinfo in [
        format!("nobody:{secret}"),
        format!("off:{off_secret}"),
        format!("{CLIENT}:{off_secret}"),
        format!("{CLIENT}:guess"),
    ] {
        let mut answer = test.post_basic("/token", &userinfo, &[GRANT]).await;
        answer.assert_error(401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic "));
        answer.headers.remove("x-request-id");
        answers.push((answer.text().to_owned(), answer.headers));
    }

    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_request_with_two_methods_is_refused() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let userinfo = format!("{CLIENT}:{secret}");
    let assertion = [
        ("client_assertion", "a.b.c"),
        ("client_assertion_type", JWT_BEARER),
    ];
    let body = [("client_id", CLIENT), ("client_secret", secret.as_str())];

    for answer in [
        test.post_basic("/token", &userinfo, &[&[GRANT], &body[..]].concat())
            .await,
        test.post_basic("/token", &userinfo, &[&[GRANT], &assertion[..]].concat())
            .await,
        test.post_form("/token", &[&[GRANT], &body[..], &assertion].concat())
            .await,
    ] {
        answer.assert_error(400, "invalid_request");
        assert!(answer.text().contains("one client authentication"));
    }
    for params in [
        &[GRANT, ("client_id", "other")][..],
        &[GRANT, ("client_assertion_type", JWT_BEARER)],
    ] {
        let answer = test.post_basic("/token", &userinfo, params).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn an_assertion_of_another_type_is_an_unsupported_method_and_one_of_none_a_bad_request() {
    let test = TestApp::new().await;
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    let assertion = ("client_assertion", "a.b.c");

    let other = [GRANT, assertion, ("client_assertion_type", saml)];
    let other = test.post_form("/token", &other).await;
    let none = test.post_form("/token", &[GRANT, assertion]).await;

    other.assert_error(401, "invalid_client");
    none.assert_error(400, "invalid_request");
    for answer in [other, none] {
        assert!(answer.text().contains("jwt-bearer"), "{}", answer.text());
    }
}

#[tokio::test]
async fn repeated_parameters_are_refused_but_for_resource_and_audience() {
    let test = TestApp::new().await;
    let secret = test.client().await;

    for again in [GRANT, ("scope", "read"), ("client_id", CLIENT), ("x", "y")] {
        let answer = ask(&test, &secret, &[again, again]).await;
        answer.assert_error(400, "invalid_request");
    }
    let own = "https://tokens.test";
    for name in ["resource", "audience"] {
        let answer = ask(&test, &secret, &[(name, own), (name, own)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn credentials_in_the_query_do_not_count() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let path = format!("/token?client_id={CLIENT}&client_secret={secret}");

    let answer = test.post_form(&path, &[GRANT]).await;

    answer.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn only_post_and_only_forms_and_json() {
    let test = TestApp::new().await;

    let get = test.get("/token").await;
    get.assert_error(405, "method_not_allowed");
    assert_eq!(get.header("allow"), "POST");
    let plain = test
        .post("/token", "text/plain", "grant_type=client_credentials")
        .await;
    plain.assert_error(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_client_uses_only_the_methods_it_has() {
    let test = TestApp::new().await;
    let secret = test
        .register(NewClient {
            authentication: AuthenticationSettings {
                auth_methods: AuthMethods::parse("client_secret_basic").unwrap(),
                ..AuthenticationSettings::default()
            },
            ..new_client(CLIENT)
        })
        .await;
    let body = [GRANT, ("client_id", CLIENT), ("client_secret", &secret)];

    // Before and after the secret was proved by the method it has.
    test.post_form("/token", &body)
        .await
        .assert_error(401, "invalid_client");
    assert_eq!(ask(&test, &secret, &[]).await.status, 200);
    test.post_form("/token", &body)
        .await
        .assert_error(401, "invalid_client");
    test.authorize(CLIENT, &secret)
        .await
        .assert_error(401, "invalid_client");
}
