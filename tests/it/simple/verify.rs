use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use token_server::jwt::LEEWAY;

use crate::harness::{BY, CLIENT, NOW, TestApp};

#[tokio::test]
async fn a_good_token_is_answered_with_its_claims_and_headers() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;

    let answers = [
        test.verify(&token).await,
        test.post_form("/verify", &[("token", &token)]).await,
        test.post(
            "/verify",
            "application/json",
            json!({"token": token}).to_string(),
        )
        .await,
    ];

    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut claims = answer.json();
        assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() == 32));
        claims["jti"] = json!("…");
        assert!(
            claims["gen"]
                .as_i64()
                .is_some_and(|it| it > 1_700_000_000_000)
        );
        claims["gen"] = json!("…");
        assert_eq!(
            claims,
            json!({
                "success": true, "iss": "https://tokens.test", "sub": CLIENT,
                "aud": "https://tokens.test", "client_id": CLIENT, "iat": NOW.0, "nbf": NOW.0,
                "exp": NOW.0 + 3600, "jti": "…", "scope": "read write", "gen": "…",
                "metadata": {"tenant": "acme"},
            })
        );
        assert_eq!(answer.header("x-token-client-id"), CLIENT);
        assert_eq!(answer.header("x-token-scope"), "read write");
        assert_eq!(answer.header("x-token-audience"), "https://tokens.test");
        assert_eq!(answer.header("x-token-expires"), (NOW.0 + 3600).to_string());
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn without_a_token_the_challenge_carries_no_error_code() {
    let test = TestApp::new().await;

    for answer in [
        test.get("/verify").await,
        test.post_form("/verify", &[]).await,
        test.get_with("/verify", &[("authorization", "Basic YTpi")])
            .await,
        test.get_with("/verify", &[("authorization", "Bearer ")])
            .await,
    ] {
        answer.assert_error(401, "invalid_token");
        assert_eq!(
            answer.header("www-authenticate"),
            r#"Bearer realm="token-server""#
        );
        assert_eq!(answer.json()["success"], false);
    }
}

#[tokio::test]
async fn required_scopes_must_all_be_granted() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    let verify = async |query: &str| {
        let bearer = format!("Bearer {token}");
        test.get_with(&format!("/verify?{query}"), &[("authorization", &bearer)])
            .await
    };

    assert_eq!(verify("scope=read").await.status, 200);
    assert_eq!(
        verify("scope=read+write&audience=https://tokens.test")
            .await
            .status,
        200
    );
    let lacking = verify("scope=read%20delete").await;
    lacking.assert_error(403, "insufficient_scope");
    let challenge = lacking.header("www-authenticate");
    assert!(
        challenge.contains(r#"error="insufficient_scope""#),
        "{challenge}"
    );
    assert!(challenge.contains(r#"scope="delete read""#), "{challenge}");
    let other = verify("audience=https://other").await;
    other.assert_error(401, "invalid_token");
    assert!(
        other
            .header("www-authenticate")
            .contains(r#"error="invalid_token""#)
    );
    verify("scope=a&scope=b")
        .await
        .assert_error(400, "invalid_request");
    verify("scope=%22")
        .await
        .assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_token_ends_at_its_second_and_not_before() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;

    test.clock.advance(3600 + LEEWAY - 1);
    assert_eq!(test.verify(&token).await.status, 200);
    test.clock.advance(1);

    let expired = test.verify(&token).await;
    expired.assert_error(401, "invalid_token");
    assert!(expired.text().contains("expired"));
}

#[tokio::test]
async fn a_token_from_the_future_waits_for_its_time() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;

    test.clock.advance(-LEEWAY);
    assert_eq!(test.verify(&token).await.status, 200);
    test.clock.advance(-1);

    test.verify(&token).await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn a_token_under_the_previous_secret_stays_good() {
    let before = TestApp::new().await;
    let token = before.token(&before.client().await).await;
    let new = ("SECRET", "another secret for tests, of more than 32 bytes");
    let rotated = ("SECRET_PREVIOUS", crate::harness::SECRET);

    let during = TestApp::on(before.database.clone(), &[new, rotated]).await;
    let after = TestApp::on(before.database.clone(), &[new]).await;

    assert_eq!(during.verify(&token).await.status, 200);
    after
        .verify(&token)
        .await
        .assert_error(401, "invalid_token");
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let test = TestApp::new().await;
    let request = Request::get("/verify")
        .header("authorization", "Bearer a")
        .header("authorization", "Bearer b")
        .body(Body::empty());

    test.call(request.unwrap())
        .await
        .assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_token_seen_before_is_judged_anew() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    assert_eq!(test.verify(&token).await.status, 200);
    assert_eq!(test.verify(&token).await.status, 200);

    let bearer = format!("Bearer {token}");
    test.get_with("/verify?scope=admin", &[("authorization", &bearer)])
        .await
        .assert_error(403, "insufficient_scope");
    test.get_with("/verify?audience=other", &[("authorization", &bearer)])
        .await
        .assert_error(401, "invalid_token");
    test.app.tokens.revoke(BY, &token).await.unwrap();
    test.verify(&token).await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn a_token_seen_before_expires() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    assert_eq!(test.verify(&token).await.status, 200);

    test.clock.advance(3_600 + LEEWAY);

    test.verify(&token).await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn requirements_in_the_path_leave_method_query_and_body_to_the_original_request() {
    let test = TestApp::new().await;
    let bearer = format!("Bearer {}", test.token(&test.client().await).await);
    let verify = async |method: &str, target: &str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("/verify/requiring/{target}"))
            .header("authorization", &bearer)
            .header("content-type", "text/plain");
        test.call(request.body("token=x".into()).unwrap()).await
    };

    for (method, target) in [
        ("GET", "scope=read&audience=https%3A%2F%2Ftokens.test/"),
        (
            "PUT",
            "scope=read+write/a/b?scope=delete&scope=x&audience=%ff",
        ),
        ("PROPFIND", "scope=read/../../verify"),
        ("HEAD", "scope=read//"),
        ("POST", "scope=read"),
    ] {
        let answer = verify(method, target).await;
        assert_eq!(answer.status, 200, "{method} {target}: {}", answer.text());
        assert_eq!(answer.header("x-token-client-id"), CLIENT);
    }
    let lacking = verify("DELETE", "scope=delete/a?scope=read").await;
    lacking.assert_error(403, "insufficient_scope");
    let alone = verify("GET", "scope=delete?scope=read").await;
    alone.assert_error(403, "insufficient_scope");
    let other = verify("GET", "scope=read&audience=x/").await;
    other.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn requirements_in_the_path_must_be_understood() {
    let test = TestApp::new().await;
    let bearer = format!("Bearer {}", test.token(&test.client().await).await);
    let get = async |path: &str| test.get_with(path, &[("authorization", &bearer)]).await;

    for requirements in [
        "scopes=read",
        "scope=read&aud=x",
        "scope=",
        "",
        "scope=a&scope=b",
        "scope=%22",
        "scope=%ff",
        "-",
        "scope=read&",
        "&scope=read",
    ] {
        let answer = get(&format!("/verify/requiring/{requirements}/a")).await;
        answer.assert_error(400, "invalid_request");
    }
    get("/verify/requiring")
        .await
        .assert_error(404, "not_found");
    let missing = test.get("/verify/requiring/scope=read/a").await;
    missing.assert_error(401, "invalid_token");
    let challenge = missing.header("www-authenticate");
    assert_eq!(challenge, r#"Bearer realm="token-server""#);
}
