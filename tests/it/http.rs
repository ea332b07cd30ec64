//! What holds for every route.

use axum::body::Body;
use axum::http::{Method, Request};

use crate::harness::TestApp;

#[tokio::test]
async fn unknown_paths_and_wrong_methods_answer_in_the_documented_shape() {
    let test = TestApp::new().await;
    let call = async |method: Method, path: &str| {
        test.call(
            Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    };

    call(Method::GET, "/nope")
        .await
        .assert_error(404, "not_found");
    call(Method::GET, "/authorize/more")
        .await
        .assert_error(404, "not_found");
    for (method, path, allow) in [
        (Method::GET, "/authorize", "POST"),
        (Method::PUT, "/verify", "GET,HEAD,POST"),
        (Method::DELETE, "/", "GET,HEAD"),
        (Method::OPTIONS, "/authorize", "POST"),
    ] {
        let answer = call(method, path).await;
        answer.assert_error(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow);
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_replaced() {
    let test = TestApp::new().await;
    let ask = async |id: &str| {
        let answer = test.get_with("/healthz", &[("x-request-id", id)]).await;
        answer.header("x-request-id").to_owned()
    };

    assert_eq!(ask("abc-123_4.5:6/7+8=").await, "abc-123_4.5:6/7+8=");
    for strange in ["", "a b", "{\"a\":1}", &"x".repeat(129)] {
        let given = ask(strange).await;
        assert_eq!(given.len(), 36, "{given}");
    }
    assert_ne!(ask("").await, ask("").await);
}

#[tokio::test]
async fn a_head_or_an_announced_body_over_the_limit_is_refused() {
    let test = TestApp::new().await;
    let long = "x".repeat(16 * 1024);

    test.get_with("/verify", &[("x-long", &long)])
        .await
        .assert_error(431, "header_fields_too_large");
    test.get(&format!("/verify?scope={long}"))
        .await
        .assert_error(431, "header_fields_too_large");
    for length in ["65537", "99999999999999999999999"] {
        let announced = Request::post("/verify")
            .header("authorization", "Bearer a")
            .header("content-length", length);
        test.call(announced.body(Body::empty()).unwrap())
            .await
            .assert_error(413, "content_too_large");
    }
}

#[tokio::test]
async fn the_home_page_is_text_for_programs_and_a_page_for_browsers() {
    let test = TestApp::new().await;

    let plain = test.get("/").await;
    let page = test
        .get_with("/", &[("accept", "text/html,application/xhtml+xml")])
        .await;
    let style = test.get("/assets/home.css").await;

    assert_eq!((plain.status, plain.text()), (200, "TokenServer"));
    assert!(plain.header("content-type").starts_with("text/plain"));
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("<h1>TokenServer</h1>"));
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(
        (page.header("vary"), plain.header("vary")),
        ("accept", "accept")
    );
    assert_eq!(style.status, 200);
    for answer in [plain, page, style] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn health_and_readiness_say_so() {
    let test = TestApp::new().await;

    assert_eq!(test.get("/healthz").await.text(), r#"{"status":"ok"}"#);
    assert_eq!(test.get("/readyz").await.text(), r#"{"status":"ready"}"#);
}
