//! Owns the requests to the authority: over https, without redirects or proxies, bounded in size and time.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use hyper::http::{HeaderMap, Method, Request, Response, header};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient, Problem};
use url::Url;

use crate::base::json;
use crate::outbound::jwks_fetcher::{direct, read_body, tls};

/// For one request, all in all.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A chain of certificates with much room.
const MAX_BYTES: usize = 256 * 1024;

/// Carries what the library has to say.
pub(super) struct Transport {
    pub(super) client: reqwest::Client,
    pub(super) wait: Arc<AtomicI64>,
}

impl HttpClient for Transport {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let (client, wait) = (self.client.clone(), Arc::clone(&self.wait));
        Box::pin(async move {
            let exchanged = exchange(&client, &wait, request).await;
            exchanged.map_err(|error| Error::Other(error.into()))
        })
    }
}

pub(super) fn client(ca: Option<&Path>) -> anyhow::Result<reqwest::Client> {
    Ok(direct(tls(ca)?, TIMEOUT).https_only(true).build()?)
}

/// Fails unless there is a directory at the URL.
pub(super) async fn probe(client: &reqwest::Client, url: Url) -> anyhow::Result<()> {
    let response = client.get(url).send().await?;
    let status = response.status();
    ensure!(status.is_success(), "it answered {status}");
    let text = read_body(response, MAX_BYTES).await?;
    let directory: serde_json::Value =
        json::from_slice(&text).context("its answer is not a directory")?;
    ensure!(
        directory["newOrder"].is_string(),
        "its answer is not a directory"
    );
    Ok(())
}

async fn exchange(
    client: &reqwest::Client,
    wait: &AtomicI64,
    request: Request<BodyWrapper<Bytes>>,
) -> anyhow::Result<BytesResponse> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    // Ours, not the library's.
    parts.headers.remove(header::USER_AGENT);
    let is_post = parts.method == Method::POST;
    let request = reqwest::Request::try_from(Request::from_parts(parts, body))?;
    let response = client.execute(request).await?;
    let (mut answer, ()) = Response::new(()).into_parts();
    answer.status = response.status();
    answer.headers = response.headers().clone();
    let body = read_body(response, MAX_BYTES).await?;
    if answer.status.is_client_error() || answer.status.is_server_error() {
        note_wait(wait, &answer.headers);
        let problem = json::from_slice::<Problem>(&body);
        match problem {
            // The library reads these.
            Ok(_) if is_post => {}
            Ok(problem) => bail!("the directory answered {}: {problem}", answer.status),
            Err(_) => bail!("the directory answered {}", answer.status),
        }
    }
    Ok(BytesResponse {
        parts: answer,
        body: Box::new(Bytes::from(body)),
    })
}

/// For how long the authority does not want to be asked (RFC 8555 §6.6). Those that name a date are few, and have their
/// failures counted like the others.
fn note_wait(wait: &AtomicI64, headers: &HeaderMap) {
    let after = headers.get(header::RETRY_AFTER);
    let seconds = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if let Some(seconds) = seconds {
        wait.store(seconds, Ordering::Relaxed);
    }
}
