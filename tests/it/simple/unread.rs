//! What `/verify` does not look at: the body of a GET and its length, and all that is the original caller's behind
//! `/verify/requiring/`.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{CLIENT, Served, TestApp};

/// Targets where neither body nor length counts, with a method each.
const UNREAD: [(&str, &str); 5] = [
    ("GET", "/verify"),
    ("HEAD", "/verify?scope=read"),
    ("GET", "/verify/requiring/scope=read/a"),
    ("POST", "/verify/requiring/scope=read/a?scope=delete"),
    ("PUT", "/verify/requiring/scope=read/"),
];

#[tokio::test]
async fn a_length_that_is_large_or_malformed_does_not_matter() {
    let test = TestApp::new().await;
    let bearer = format!("Bearer {}", test.token(&test.client().await).await);

    for (method, target) in UNREAD {
        for length in ["5", "65537", "99999999999999999999999", "-1", "x", ""] {
            let request = || {
                let request = Request::builder().method(method).uri(target);
                let request = request
                    .header("authorization", &bearer)
                    .header("content-length", length);
                request.body(Body::empty()).unwrap()
            };
            let answer = test.call_both(request).await;
            assert_eq!(answer.status, 200, "{method} {target} {length}");
            assert_eq!(answer.header("x-token-client-id"), CLIENT);
        }
    }
}

#[tokio::test]
async fn a_body_is_not_read() {
    let test = TestApp::new().await;
    let bearer = format!("Bearer {}", test.token(&test.client().await).await);

    for (method, target) in UNREAD {
        for (content_type, body) in [
            (
                "application/x-www-form-urlencoded",
                "scope=delete&token=x&y",
            ),
            ("application/json", "[{"),
            ("image/png", "\u{0}"),
        ] {
            let request = || {
                let request = Request::builder().method(method).uri(target);
                let request = request
                    .header("authorization", &bearer)
                    .header("content-type", content_type);
                request.body(Body::from(body)).unwrap()
            };
            let answer = test.call_both(request).await;
            assert_eq!(answer.status, 200, "{method} {target} {content_type}");
        }
    }
}

#[tokio::test]
async fn the_token_in_a_body_that_is_not_read_is_none() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;

    for (method, target) in UNREAD {
        let request = Request::builder().method(method).uri(target);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = Body::from(format!("token={token}"));
        let answer = test.call(request.body(body).unwrap()).await;
        assert_eq!(answer.status, 401, "{method} {target}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, r#"Bearer realm="token-server""#);
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let served = Served::start(&[("BODY_TIMEOUT", "60s")]).await;
    let token = served.test.token(&served.test.client().await).await;

    for (method, target) in UNREAD {
        for announced in [
            "content-length: 5",
            "content-length: 10000000000",
            "transfer-encoding: chunked",
        ] {
            let mut stream = served.connect(served.root(), &[&TLS13]).await.unwrap();
            let head = format!(
                "{method} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{announced}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut begin = [0; 12];
            let reading = stream.read_exact(&mut begin);
            // Less than `BODY_TIMEOUT`, and far more than an answer takes.
            let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
            assert!(read.is_ok(), "{method} {target} {announced}: no answer");
            assert_eq!(&begin, b"HTTP/1.1 200", "{method} {target} {announced}");
        }
    }
}

#[tokio::test]
async fn the_body_of_a_post_is_waited_for_wherever_the_token_is() {
    let test = TestApp::with(&[("BODY_TIMEOUT", "1s")]).await;
    let bearer = format!("Bearer {}", test.token(&test.client().await).await);
    let never = || Body::from_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
    let request = Request::post("/verify").header("authorization", &bearer);

    let answer = test.call(request.body(never()).unwrap()).await;

    answer.assert_error(408, "request_timeout");
}

#[tokio::test]
async fn behind_requiring_query_and_path_are_the_original_callers() {
    let test = TestApp::new().await;
    let bearer = format!("Bearer {}", test.token(&test.client().await).await);

    for original in [
        "?scopes=x&token=y",
        "a?scope=delete",
        "?scope=&scope=",
        "scope=delete/audience=x",
        "?%ff",
    ] {
        let target = format!("/verify/requiring/scope=read/{original}");
        let answer = test.get_with(&target, &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    }
}
