//! `GET /oauth2/authorize`: there for libraries that refuse metadata without it, when the operator says so.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::harness::TestApp;

const ON: &[(&str, &str)] = &[("AUTHORIZATION_ENDPOINT", "true")];

/// What libraries send there, and what would have an open redirect send its caller elsewhere.
const QUERIES: [&str; 6] = [
    "",
    "?response_type=code&client_id=a&redirect_uri=https://evil.test/&state=x",
    "?redirect_uri=javascript:alert(1)",
    "?redirect_uri=//evil.test&error=x",
    "?client_id=%FF&scope=%00",
    "?a=1&a=2",
];

#[tokio::test]
async fn it_is_a_page_with_400_and_never_a_redirect() {
    let test = TestApp::with(ON).await;
    for query in QUERIES {
        let answer = test.get(&format!("/oauth2/authorize{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert_eq!(answer.header("location"), "");
        assert_eq!(answer.header("refresh"), "");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
        let page = answer.text();
        assert!(
            page.contains("client_credentials") && !page.contains("evil"),
            "{page}"
        );
        assert!(!page.contains("script") && !page.contains("http-equiv"));
    }
    let post = Request::post("/oauth2/authorize")
        .body(Body::empty())
        .unwrap();
    let post = test.call(post).await;
    post.assert_error(405, "method_not_allowed");
}

#[tokio::test]
async fn the_metadata_names_it_only_where_the_setting_says_so() {
    for (alg, settings) in [("ES256", ON), ("HS256", ON), ("ES256", &[])] {
        let settings = [&[("SIGNING_ALG", alg)], settings].concat();
        let test = TestApp::with(&settings).await;
        let is_on = settings.len() > 1;
        for path in [
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ] {
            let answer = test.get(path).await;
            if alg == "HS256" && path.ends_with("openid-configuration") {
                answer.assert_error(404, "not_found");
                continue;
            }
            let metadata = answer.json();
            let url = Value::from("https://tokens.test/oauth2/authorize");
            let expected = is_on.then_some(&url);
            assert_eq!(metadata.get("authorization_endpoint"), expected, "{path}");
            assert_eq!(metadata["response_types_supported"], serde_json::json!([]));
        }
        let page = test.get("/oauth2/authorize").await;
        if is_on {
            assert_eq!(page.status, 400);
        } else {
            page.assert_error(404, "not_found");
        }
    }
}
