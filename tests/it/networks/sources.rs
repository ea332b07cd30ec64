//! Whose address counts: that of the connection, or of a trusted balancer's header, and nothing that a caller writes.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;

use super::client_in;
use crate::harness::{CLIENT, Served, TestApp, form, proxy_header};

#[tokio::test]
async fn no_header_of_a_request_says_where_a_client_is() {
    let trust = [("TRUSTED_PROXIES", "192.0.2.1")];
    for settings in [&trust[..], &[]] {
        let test = TestApp::with(settings).await;
        let secret = client_in(&test, "10.0.0.0/8").await;
        let fields = [("client_id", CLIENT), ("client_secret", secret.as_str())];
        let ask = async |source: &str, told: &str| {
            let request = Request::post("/authorize")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("x-forwarded-for", told)
                .header("x-real-ip", told)
                .header("forwarded", format!("for={told}"))
                .body(Body::from(form(&fields)));
            test.call_from(source, request.unwrap()).await.status
        };
        assert_eq!(ask("192.0.2.1", "10.0.0.1").await, 401);
        assert_eq!(ask("10.0.0.1", "192.0.2.1").await, 200);
    }
}

#[tokio::test]
async fn behind_a_balancer_the_address_of_its_header_counts() {
    let settings = [
        ("PROXY_PROTOCOL", "required"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let served = Served::start(&settings).await;
    let secret = client_in(&served.test, "198.51.100.8/30").await;

    let body = form(&[("client_id", CLIENT), ("client_secret", &secret)]);
    for (last, status) in [(9, "200"), (12, "401"), (11, "200"), (7, "401")] {
        let answer = served.log_in_behind(&proxy_header(last), &body).await;
        let line = answer.lines().next().unwrap_or_default();
        assert!(line.contains(status), "{last}: {line}");
    }
}
