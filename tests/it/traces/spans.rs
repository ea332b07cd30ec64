//! What is recorded of a request.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::Traced;
use super::collector::{attribute, hex};
use crate::harness::{CLIENT, Log, TestApp};

/// The example of W3C Trace Context §3.2.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_of_its_callers_trace_and_the_log_has_its_id() {
    let traced = Traced::start(&[]).await;
    let secret = traced.test.client().await;
    let form = [("client_id", CLIENT), ("client_secret", secret.as_str())];
    let traceparent = traceparent("01");

    let headers = [("traceparent", traceparent.as_str())];
    let answer = traced
        .test
        .post_form_with("/authorize", &form, &headers)
        .await;
    let line = traced.log.requests().remove(0);
    let received = traced.received().await;

    let span = received.only("POST /authorize");
    assert_eq!(hex(&span.trace_id), TRACE);
    assert_eq!(hex(&span.parent_span_id), PARENT);
    assert_eq!(span.kind, SpanKind::Server as i32);
    let says = |key| attribute(&span.attributes, key);
    assert_eq!(says("http.request.method"), "POST");
    assert_eq!(says("http.route"), "/authorize");
    assert_eq!(says("http.response.status_code"), "200");
    assert_eq!(says("client_id"), CLIENT);
    assert_eq!(says("request_id"), answer.header("x-request-id"));
    assert_eq!(says("error.type"), "");
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    assert_eq!(line["trace_id"], TRACE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_method_the_request_id_or_the_tracestate_is_not_recorded() {
    let traced = Traced::start(&[]).await;
    let secret = "tks_AbCdEf12ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210zyxwvutsrq";
    let request = axum::http::Request::builder()
        .method(secret)
        .uri("/healthz")
        .header("traceparent", traceparent("01"))
        .header("tracestate", format!("vendor={secret}"))
        .header("x-request-id", secret);

    let request = request.body(axum::body::Body::empty()).unwrap();
    traced.test.call(request).await;
    let received = traced.received().await;

    let span = received.only("_OTHER /healthz");
    assert_eq!(hex(&span.trace_id), TRACE);
    let bodies = received.bodies.iter();
    let bodies: String = bodies.map(|body| String::from_utf8_lossy(body)).collect();
    assert!(!bodies.contains("ZYXWVUTSRQ"), "{bodies}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_waited_for_is_recorded_within_the_request() {
    let traced = Traced::start(&[]).await;
    let secret = traced.test.client().await;

    traced.test.token(&secret).await;
    let received = traced.received().await;

    // Registering the client asked the database as well, but for no request.
    let request = received.only("POST /authorize");
    let (call, hashing) = (received.only("database"), received.only("lane"));
    assert_eq!(call.parent_span_id, request.span_id);
    assert_eq!(hashing.parent_span_id, request.span_id);
    assert_eq!(call.trace_id, request.trace_id);
    assert_eq!(call.kind, SpanKind::Client as i32);
    let product = attribute(&call.attributes, "db.system.name");
    assert!(
        ["sqlite", "postgresql"].contains(&product.as_str()),
        "{product}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trace_or_with_a_malformed_one_a_new_one_begins() {
    let traced = Traced::start(&[]).await;

    traced.test.get("/healthz").await;
    let malformed = format!("00-{TRACE}-{PARENT}");
    let headers = [("traceparent", malformed.as_str())];
    traced.test.get_with("/healthz", &headers).await;
    let lines = traced.log.requests();
    let received = traced.received().await;

    let spans = received.named("GET /healthz");
    assert_eq!(spans.len(), 2);
    for (span, line) in spans.iter().zip(&lines) {
        assert!(span.parent_span_id.is_empty());
        assert_eq!(line["trace_id"], hex(&span.trace_id));
        assert_ne!(line["trace_id"], TRACE);
    }
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_its_caller_does_not_record_is_not_recorded_but_named_in_the_log() {
    let traced = Traced::start(&[]).await;

    let unrecorded = traceparent("00");
    let headers = [("traceparent", unrecorded.as_str())];
    traced.test.get_with("/healthz", &headers).await;
    let line = traced.log.requests().remove(0);
    let received = traced.received().await;

    assert_eq!(received.named("GET /healthz").len(), 0);
    assert_eq!(line["trace_id"], TRACE);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sampler_decides_about_the_rest() {
    let settings = [
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ];
    let traced = Traced::start(&settings).await;

    let recorded = traceparent("01");
    let headers = [("traceparent", recorded.as_str())];
    traced.test.get_with("/healthz", &headers).await;
    let received = traced.received().await;

    assert_eq!(received.spans.len(), 0, "whatever the caller wants");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_named_and_only_our_own_failure_is_an_error() {
    let traced = Traced::start(&[]).await;

    traced.test.verify("nonsense").await;
    traced.test.app.store().close().await;
    traced.test.authorize("nobody", "a guess").await;
    let received = traced.received().await;

    let refused = received.only("GET /verify");
    assert_eq!(
        attribute(&refused.attributes, "error.type"),
        "invalid_token"
    );
    let status = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
        span.status.clone().unwrap_or_default().code
    };
    assert_eq!(status(refused), StatusCode::Unset as i32);
    let failed = received.only("POST /authorize");
    let code = attribute(&failed.attributes, "http.response.status_code");
    assert_eq!(code, "503");
    assert_eq!(status(failed), StatusCode::Error as i32);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_no_token_and_no_path_is_in_a_span() {
    let traced = Traced::start(&[]).await;
    let secret = traced.test.client().await;

    let token = traced.test.token(&secret).await;
    traced.test.verify(&token).await;
    traced.test.get(&format!("/{secret}?token={token}")).await;
    let received = traced.received().await;

    assert_eq!(received.named("GET (none)").len(), 1);
    let sent = received.bodies.concat();
    let sent = String::from_utf8_lossy(&sent);
    for part in [&secret[13..40], &token[..40], &token[token.len() - 30..]] {
        assert!(!sent.contains(part), "{part}");
    }
}

#[tokio::test]
async fn without_a_collector_nothing_is_traced() {
    let test = TestApp::new().await;
    let log = Log::default();
    let guard = log.capture();

    let recorded = traceparent("01");
    let headers = [("traceparent", recorded.as_str())];
    test.get_with("/healthz", &headers).await;
    drop(guard);

    assert!(test.app.config().traces.is_none());
    assert!(log.requests()[0].get("trace_id").is_none());
}
