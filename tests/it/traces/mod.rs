//! Traces: what is recorded of a request, whose trace it is part of, and that it reaches a collector.

mod collector;
mod sending;
mod spans;

use token_server::telemetry::Traces;
use tracing::subscriber::DefaultGuard;

use crate::harness::{Database, Log, TestApp};
use collector::{Collector, Received};

/// A service that is traced, on this thread.
struct Traced {
    test: TestApp,
    log: Log,
    collector: Collector,
    traces: Traces,
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
        let guard = log.capture_with(&traces);
        Self {
            test,
            log,
            collector,
            traces,
            _guard: guard,
        }
    }

    /// Everything that was recorded by now.
    async fn received(self) -> Received {
        let Self {
            traces, collector, ..
        } = self;
        tokio::task::spawn_blocking(move || traces.stop())
            .await
            .unwrap();
        collector.received()
    }
}
