//! The way to the collector.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use token_server::config::{Config, TracesConfig};
use token_server::telemetry::Traces;

use super::Traced;
use super::collector::{Collector, Received, attribute};
use crate::harness::{config, serve_https};

fn traces_config(settings: &[(&str, &str)]) -> Option<TracesConfig> {
    let config: Config = config("sqlite::memory:", settings);
    config.traces
}

/// Records one span and sends it.
async fn send_one(traces: &Arc<Traces>) {
    let traces = Arc::clone(traces);
    tokio::task::spawn_blocking(move || {
        let subscriber = token_server::telemetry::traced_json_lines(
            token_server::config::log_filter("off").unwrap(),
            std::io::sink,
            &traces,
        );
        tracing::subscriber::with_default(subscriber, || {
            drop(tracing::debug_span!(target: "token_server::traces", "one"));
        });
        traces.flush();
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_says_who_it_is_and_sends_the_headers_it_was_told() {
    let traced = Traced::start(&[
        ("OTEL_SERVICE_NAME", "tokens"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test,service.name=other",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20hunter2",
        ),
    ])
    .await;
    assert!(!format!("{:?}", traced.test.app.config()).contains("hunter2"));

    traced.test.get("/healthz").await;
    let received = traced.received().await;

    let says = |key| attribute(&received.resource, key);
    assert_eq!(says("service.name"), "tokens");
    assert_eq!(says("deployment.environment.name"), "test");
    assert_eq!(says("service.version"), env!("CARGO_PKG_VERSION"));
    let headers = &received.headers[0];
    assert_eq!(headers["authorization"], "Bearer hunter2");
    assert_eq!(headers["content-type"], "application/x-protobuf");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_its_spans_and_nothing_else() {
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    let url = format!("http://{address}");
    let config = traces_config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).unwrap();
    let traces = Arc::new(Traces::start(&config).unwrap());

    send_one(&traces).await;
    // Some tries.
    let (sent, failed) = traces.status().counts();
    assert!(sent == 0 && failed > 0);
    let collector = Collector::start_at(address).await;
    send_one(&traces).await;

    assert_eq!(traces.status().counts(), (1, failed));
    assert_eq!(collector.received().spans.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_authority_that_was_named_is_believed_and_no_other() {
    let folder = tempfile::TempDir::new().unwrap();
    let received: Arc<Mutex<Received>> = Arc::default();
    let router = Collector::router(Arc::clone(&received));
    let port = serve_https(folder.path(), |_| router);
    let cert = folder.path().join("cert.pem");
    let url = format!("https://localhost:{port}");
    let start = |more: &[(&str, &str)]| {
        let settings = [&[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())], more].concat();
        Arc::new(Traces::start(&traces_config(&settings).unwrap()).unwrap())
    };

    let unbelieved = start(&[]);
    send_one(&unbelieved).await;
    assert_eq!(unbelieved.status().counts().0, 0);
    let believed = start(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", cert.to_str().unwrap())]);
    send_one(&believed).await;

    assert_eq!(believed.status().counts(), (1, 0));
    assert_eq!(received.lock().unwrap().spans.len(), 1);
}

#[test]
fn the_url_for_traces_is_taken_whole_and_that_for_all_signals_is_a_folder() {
    let endpoint = |settings: &[(&str, &str)]| {
        traces_config(settings).map(|traces| traces.endpoint.to_string())
    };
    let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
    let own = (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "https://traces/ingest",
    );

    assert_eq!(endpoint(&[]), None);
    assert_eq!(
        endpoint(&[all]).as_deref(),
        Some("http://collector:4318/v1/traces")
    );
    assert_eq!(endpoint(&[own]).as_deref(), Some("https://traces/ingest"));
    assert_eq!(
        endpoint(&[all, own]).as_deref(),
        Some("https://traces/ingest")
    );
    assert_eq!(endpoint(&[all, ("OTEL_SDK_DISABLED", "true")]), None);
    assert_eq!(endpoint(&[all, ("OTEL_TRACES_EXPORTER", "none")]), None);
}

#[test]
fn what_is_said_of_traces_wins_over_what_is_said_of_all_signals() {
    let traces = traces_config(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2"),
    ]);

    let traces = traces.unwrap();
    assert_eq!(traces.timeout, Duration::from_secs(2));
    let names: Vec<_> = traces
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn what_this_server_does_not_speak_is_refused_by_name() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
    ] {
        let read = Config::from_lookup(|asked| {
            let secret = "a secret for tests, of more than 32 bytes";
            let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
            let found = [("SECRET", secret), (name, value), endpoint];
            found
                .into_iter()
                .find(|(it, _)| *it == asked)
                .map(|(_, value)| value.to_owned())
        });
        let refused = read.unwrap_err();
        assert_eq!(refused.0[0].name, name, "{refused}");
        assert!(!refused.to_string().contains("hunter2"));
    }
}

/// They are set for all that runs on a machine, and mean something to others.
#[test]
fn what_this_server_does_not_speak_is_only_warned_of_where_no_traces_are_sent() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    for (settings, warned) in [
        (
            vec![
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_TRACES_EXPORTER", "console"),
            ],
            vec!["OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL"],
        ),
        (
            vec![
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                endpoint,
                ("OTEL_SDK_DISABLED", "true"),
            ],
            vec!["OTEL_EXPORTER_OTLP_PROTOCOL"],
        ),
        (
            vec![
                ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
                endpoint,
                ("OTEL_TRACES_EXPORTER", "none"),
            ],
            vec!["OTEL_EXPORTER_OTLP_HEADERS"],
        ),
        (vec![("OTEL_TRACES_EXPORTER", "none")], vec![]),
    ] {
        let read = Config::from_lookup(|asked| {
            let secret = ("SECRET", "a secret for tests, of more than 32 bytes");
            let mut found = settings.iter().chain([&secret]);
            let found = found.find(|(name, _)| *name == asked);
            found.map(|(_, value)| (*value).to_owned())
        });
        let config = read.unwrap();

        assert!(config.traces.is_none());
        let warnings = config.warnings();
        let names: Vec<&str> = warnings.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, warned);
        for warning in &warnings {
            let message = &warning.message;
            assert!(message.contains("the server sends no traces"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
