//! A client whose tokens have only the scopes that a request names.

use token_server::app::NewClient;
use token_server::domain::Scope;

use crate::harness::{Answer, TestApp, new_client};

const ID: &str = "careful";

async fn register(test: &TestApp, explicit_scopes_only: bool) -> String {
    let new = NewClient {
        scopes: Scope::parse("read write").unwrap(),
        explicit_scopes_only,
        ..new_client(ID)
    };
    test.register(new).await
}

/// The answer to a request with this `scope` at both endpoints, which say the same.
async fn ask(test: &TestApp, secret: &str, scope: Option<&str>) -> Answer {
    let own = [("client_id", ID), ("client_secret", secret)];
    let scope: Vec<_> = scope.map(|it| ("scope", it)).into_iter().collect();
    let params = [&own[..], &scope].concat();
    let simple = test.post_form("/authorize", &params).await;
    let grant = [("grant_type", "client_credentials")];
    let answer = test
        .post_form("/token", &[&params[..], &grant].concat())
        .await;
    assert_eq!(simple.status, answer.status);
    assert_eq!(simple.json()["scope"], answer.json()["scope"]);
    answer
}

#[tokio::test]
async fn a_request_that_names_no_scope_gets_none_and_else_what_it_names() {
    let test = TestApp::new().await;
    let secret = register(&test, true).await;

    for scope in [None, Some(""), Some(" ")] {
        let answer = ask(&test, &secret, scope).await;
        assert_eq!(answer.status, 200, "{scope:?}: {}", answer.text());
        let token = answer.access_token();
        let claims = test.verify(&token).await.json();
        assert_eq!(
            claims["scope"].as_str().unwrap_or_default(),
            "",
            "{scope:?}"
        );
        let body = [("token", token.as_str()), ("scope", "read")];
        let required = test.post_form("/verify", &body).await;
        required.assert_error(403, "insufficient_scope");
    }
    assert_eq!(
        ask(&test, &secret, Some("write")).await.json()["scope"],
        "write"
    );
    let beyond = ask(&test, &secret, Some("write admin")).await;
    beyond.assert_error(400, "invalid_scope");
}

#[tokio::test]
async fn without_it_a_request_that_names_no_scope_gets_all() {
    let test = TestApp::new().await;
    let secret = register(&test, false).await;
    assert_eq!(
        ask(&test, &secret, None).await.json()["scope"],
        "read write"
    );
}

/// A library that asks for `openid` by itself names no scope of the client.
#[tokio::test]
async fn scopes_that_are_ignored_are_none_that_a_request_names() {
    let test = TestApp::with(&[("IGNORE_OIDC_SCOPES", "true")]).await;
    let secret = register(&test, true).await;
    let answer = ask(&test, &secret, Some("openid profile")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["scope"].as_str().unwrap_or_default(), "");
}
