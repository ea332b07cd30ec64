//! Traces: what is recorded of a request, whose trace it is part of, and that it reaches a collector.

mod collector;
mod open_spans;
mod sending;
mod spans;

use token_server::config::log_filter;
use token_server::telemetry::{Traces, traced_json_lines};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use crate::harness::{Database, Log, TestApp};
use collector::{Collector, Received};
use open_spans::OpenSpans;

/// A service that is traced, on this thread.
struct Traced {
    test: TestApp,
    log: Log,
    collector: Collector,
    traces: Traces,
    open_spans: OpenSpans,
    _guard: DefaultGuard,
}

impl Traced {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let collector = Collector::start().await;
        let url = collector.url();
        let settings = [&[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())], settings].concat();
        let test = TestApp::on(Database::fresh().await, &settings).await;
        let traces = Traces::start(test.app.config().traces.as_ref().unwrap()).unwrap();
        let log = Log::default();
        let open_spans = OpenSpans::default();
        let written = log.clone();
        let lines = traced_json_lines(
            log_filter("info").unwrap(),
            move || written.clone(),
            &traces,
        );
        let lines = lines.with(open_spans.layer());
        let guard = tracing::subscriber::set_default(lines);
        Self {
            test,
            log,
            collector,
            traces,
            open_spans,
            _guard: guard,
        }
    }

    /// Everything that was recorded by now.
    async fn received(self) -> Received {
        let Self {
            traces,
            collector,
            open_spans,
            ..
        } = self;
        // Another thread may hold the span of a request for a moment after the response.
        open_spans.until_none().await;
        tokio::task::spawn_blocking(move || traces.stop())
            .await
            .unwrap();
        collector.received()
    }
}
