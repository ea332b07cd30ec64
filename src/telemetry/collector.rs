//! Owns the requests to the collector of traces, and says once when they fail and once when they succeed again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use crate::base::metrics::Counter;
use crate::config::TracesConfig;
use crate::outbound::jwks_fetcher::{direct, tls};

/// More of an answer is not read: it says how many spans were refused, and nobody asks.
const MAX_BYTES: usize = 64 * 1024;

/// What has become of traces; by default of none.
#[derive(Clone, Debug, Default)]
pub struct ExportStatus(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sent: Counter,
    failed: Counter,
    failing: AtomicBool,
}

impl ExportStatus {
    /// Requests that the collector took, and those that it did not.
    pub fn counts(&self) -> (u64, u64) {
        (self.0.sent.value(), self.0.failed.value())
    }

    fn note<T>(&self, sent: &anyhow::Result<T>) {
        let counter = match sent {
            Ok(_) => &self.0.sent,
            Err(_) => &self.0.failed,
        };
        counter.inc();
        let failed_before = self.0.failing.swap(sent.is_err(), Ordering::AcqRel);
        match sent {
            Err(error) if !failed_before => {
                tracing::warn!("traces cannot be sent, and are lost until they can: {error:#}");
            }
            Ok(_) if failed_before => tracing::info!("traces are sent again"),
            Ok(_) | Err(_) => {}
        }
    }
}

#[derive(Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    /// Spans are sent by a thread without one.
    runtime: Handle,
    status: ExportStatus,
}

impl Collector {
    /// Reads the authorities to be trusted.
    pub(super) fn new(config: &TracesConfig, status: ExportStatus) -> anyhow::Result<Self> {
        let tls = tls(config.certificate.as_deref()).context("OTEL_EXPORTER_OTLP_CERTIFICATE")?;
        Ok(Self {
            client: direct(tls, config.timeout).build()?,
            runtime: Handle::try_current().context("there is no runtime to send traces")?,
            status,
        })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = self.runtime.spawn(send(self.client.clone(), request));
        let sent = sending.await.unwrap_or_else(|stopped| Err(stopped.into()));
        self.status.note(&sent);
        sent.map_err(Into::into)
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
    let request = reqwest::Request::try_from(request)?;
    let mut response = client.execute(request).await?;
    let status = response.status();
    ensure!(status.is_success(), "the collector answers {status}");
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            break;
        }
    }
    Ok(Response::new(body.into()))
}
