//! The listener itself: its routes, and that nobody else has them.

use std::net::TcpListener;
use std::sync::Arc;

use token_server::http::{CertificateStatus, serve_ops};
use tokio::net::TcpStream;

use super::{Operator, ops};
use crate::bodies::{Caller, announced};
use crate::harness::TestApp;

#[tokio::test]
async fn metrics_come_as_open_metrics_and_are_kept_by_nobody() {
    let answer = Operator::of(&TestApp::new().await).get("/metrics").await;

    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, format)
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn callers_cannot_ask_for_metrics() {
    let test = TestApp::new().await;

    test.get("/metrics").await.assert_error(404, "not_found");
}

#[tokio::test]
async fn health_is_told_there_too_and_nothing_else_is() {
    let test = TestApp::new().await;
    let operator = Operator::of(&test);

    for (path, status) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let answer = operator.get(path).await;
        assert_eq!(answer.json()["status"], status, "{path}");
        assert_eq!(answer.text(), test.get(path).await.text(), "{path}");
    }
    for path in ["/", "/authorize", "/verify", "/openapi.json"] {
        let answer = operator.get(path).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (404, "not_found"),
            "{path}"
        );
    }
}

/// A probe is not a request of a caller.
#[tokio::test]
async fn asking_there_is_not_counted_as_traffic() {
    let operator = Operator::of(&TestApp::new().await);

    operator.get("/readyz").await;
    let page = operator.page().await;

    let requests = page.samples().filter(|(series, value)| {
        series.starts_with("token_server_http_requests") && series.contains("route") && *value > 0.0
    });
    assert_eq!(requests.count(), 0);
}

#[tokio::test]
async fn a_body_that_nobody_reads_harms_no_connection_there_either() {
    let test = TestApp::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let certificate = Arc::new(CertificateStatus::new(&[]));
    tokio::spawn(serve_ops(listener, ops(test.state.clone(), certificate)));
    let mut caller = Caller::over(TcpStream::connect(address).await.unwrap());

    for n in 0..40 {
        let size = [1, 4_000, 20_000, 65_536][n % 4];
        caller.send(&announced("POST /metrics", &[], size)).await;
        let reply = caller.reply().await.unwrap();
        assert_eq!((reply.status, reply.closes()), (405, false), "{n}");
    }
}
