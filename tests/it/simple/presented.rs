//! The ways to send a token to `/verify`.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::harness::{Answer, CLIENT, TestApp, form};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A request with these headers, over the fast path and through the router.
async fn ask(
    test: &TestApp,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let request = || {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body.to_owned())).unwrap()
    };
    test.call_both(request).await
}

/// What programs send that were written for the article's service, in Node.js and elsewhere.
#[tokio::test]
async fn a_token_may_come_in_a_form_in_json_bare_and_as_bearer() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    let bearer = format!("Bearer {token}");
    let (bare, bearer) = (("authorization", &*token), ("authorization", &*bearer));
    let (as_form, as_json) = (("content-type", FORM), ("content-type", JSON));
    let json_of = |name: &str| json!({ name: token }).to_string();
    let form_of = |name: &str| form(&[(name, &token)]);

    for (method, path, headers, body) in [
        ("POST", "/verify", &[as_form][..], &*form_of("token")),
        ("POST", "/verify", &[as_form], &*form_of("access_token")),
        ("POST", "/verify", &[as_json], &*json_of("token")),
        ("POST", "/verify", &[as_json], &*json_of("access_token")),
        ("POST", "/verify", &[bare], ""),
        ("POST", "/verify", &[bare, as_json], ""),
        ("POST", "/verify", &[bare, as_json], "{}"),
        ("POST", "/verify", &[bare, as_form], ""),
        ("POST", "/verify", &[bearer], ""),
        ("POST", "/verify", &[bearer, as_json], "{}"),
        ("GET", "/verify", &[bare], ""),
        ("GET", "/verify?scope=read", &[bearer], ""),
        ("GET", "/verify/requiring/scope=read/", &[bare], ""),
        ("PATCH", "/verify/requiring/scope=read/a", &[bare], ""),
    ] {
        let answer = ask(&test, method, path, headers, body).await;

        let said = format!("{method} {path} {headers:?} {body}: {}", answer.text());
        assert_eq!(answer.status, 200, "{said}");
        assert_eq!(answer.json()["success"], true, "{said}");
        assert_eq!(answer.header("x-token-client-id"), CLIENT, "{said}");
    }
}

#[tokio::test]
async fn a_token_in_two_places_is_refused() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    let both = form(&[("token", &token), ("access_token", &token)]);

    for scheme in ["", "Bearer ", "DPoP "] {
        let authorization = format!("{scheme}{token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", FORM),
        ];
        for name in ["token", "access_token"] {
            let body = form(&[(name, &token)]);
            let answer = ask(&test, "POST", "/verify", &headers, &body).await;
            answer.assert_error(400, "invalid_request");
        }
    }
    let answer = ask(&test, "POST", "/verify", &[("content-type", FORM)], &both).await;
    answer.assert_error(400, "invalid_request");
    assert!(!answer.text().contains(&token[..40]));
}

#[tokio::test]
async fn a_token_without_a_value_is_refused() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    let bearer = format!("Bearer {token}");

    for name in ["token", "access_token"] {
        for authorization in ["", &bearer] {
            for (content_type, body) in [
                (FORM, format!("{name}=")),
                (FORM, name.to_owned()),
                (JSON, json!({ name: "" }).to_string()),
                (JSON, json!({ name: null }).to_string()),
                (JSON, json!({ name: [token] }).to_string()),
            ] {
                let headers = [
                    ("authorization", authorization),
                    ("content-type", content_type),
                ];
                let answer = ask(&test, "POST", "/verify", &headers, &body).await;
                answer.assert_error(400, "invalid_request");
                assert!(answer.text().contains(name), "{}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn a_bare_value_that_is_no_token_is_invalid() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;

    for value in ["rubbish", "a.b.c", &token[1..], &format!("{token},{token}")] {
        for path in ["/verify", "/verify/requiring/scope=read/"] {
            let answer = test.get_with(path, &[("authorization", value)]).await;
            answer.assert_error(401, "invalid_token");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.contains(r#"error="invalid_token""#), "{value}");
        }
    }
}

#[tokio::test]
async fn the_name_of_a_scheme_alone_is_no_token() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;

    for scheme in ["Basic", "bearer", "DPoP", "Negotiate"] {
        let headers = [("authorization", scheme), ("content-type", FORM)];
        let missing = test.get_with("/verify", &headers).await;
        missing.assert_error(401, "invalid_token");
        assert_eq!(
            missing.header("www-authenticate"),
            r#"Bearer realm="token-server""#
        );
        let in_body = form(&[("token", &token)]);
        let answer = ask(&test, "POST", "/verify", &headers, &in_body).await;
        assert_eq!(answer.status, 200, "{scheme}: {}", answer.text());
    }
}

#[tokio::test]
async fn requirements_hold_for_a_bare_token_too() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    let bare = [("authorization", token.as_str())];

    test.get_with("/verify?scope=delete", &bare)
        .await
        .assert_error(403, "insufficient_scope");
    test.get_with("/verify?audience=other", &bare)
        .await
        .assert_error(401, "invalid_token");
    test.get_with("/verify/requiring/scope=delete/", &bare)
        .await
        .assert_error(403, "insufficient_scope");
}
