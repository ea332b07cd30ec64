//! Owns what is recorded of requests for OpenTelemetry, and its way to the collector. What a span says is decided where
//! it is made; as in the log, no secret, token or Authorization header is in it.

use std::collections::HashMap;

use anyhow::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::ExportStatus;
use super::collector::Collector;
use crate::base::tracing_span::TARGET;
use crate::config::{TraceSampler, TracesConfig};

/// Records spans and sends them.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    status: ExportStatus,
}

impl Traces {
    /// Sends to this collector, through the tokio runtime that this is called in. It need not answer yet.
    pub fn start(config: &TracesConfig) -> anyhow::Result<Self> {
        let status = ExportStatus::default();
        let collector = Collector::new(config, status.clone())?;
        let headers = config.headers.iter();
        let headers: HashMap<_, _> = headers
            .map(|(name, value)| (name.clone(), value.expose().clone()))
            .collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(config.endpoint.as_str())
            .with_timeout(config.timeout)
            .with_headers(headers)
            .build()
            .context("OTEL_EXPORTER_OTLP_*: traces cannot be sent")?;
        let batches = BatchConfigBuilder::default()
            .with_scheduled_delay(config.schedule_delay)
            .with_max_queue_size(config.max_queue)
            .with_max_export_batch_size(config.max_batch);
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build());
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor.build())
            .with_sampler(sampler(config.sampler))
            .with_resource(resource(&config.resource))
            .build();
        Ok(Self { provider, status })
    }

    /// Records the spans of this crate, whatever is logged.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(TARGET))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span() && metadata.target() == TARGET
            }))
    }

    /// What has become of the traces.
    pub fn status(&self) -> ExportStatus {
        self.status.clone()
    }

    /// Sends what waits. It blocks this thread while another one of the runtime sends.
    pub fn flush(&self) {
        // What went wrong was logged already.
        let _ = self.provider.force_flush();
    }

    /// Sends what waits, and nothing more; blocks as well.
    pub fn stop(&self) {
        let _ = self.provider.shutdown();
    }
}

fn sampler(config: TraceSampler) -> Sampler {
    let own = if config.ratio >= 1.0 {
        Sampler::AlwaysOn
    } else {
        Sampler::TraceIdRatioBased(config.ratio)
    };
    if config.parent_based {
        Sampler::ParentBased(Box::new(own))
    } else {
        own
    }
}

/// What was set comes last, and wins.
fn resource(attributes: &[(String, String)]) -> Resource {
    let set = attributes.iter();
    let set = set.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attributes(set)
        .build()
}
