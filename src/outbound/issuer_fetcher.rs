//! Owns the requests for the keys of trusted issuers: discovery documents, JWK sets and SPIFFE bundles. Only from the host of
//! the configured URL and from hosts that the operator allowed, over https, without redirects or proxies, from public
//! addresses unless others are allowed, bounded in size and time.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::header::HeaderValue;

use crate::domain::{FetchRules, FilePath, JwksUri};
use crate::outbound::dns::Dns;
use crate::outbound::jwks_fetcher::{Reach, build, get_text};

/// Longer than any token of a platform.
const MAX_TOKEN_BYTES: u64 = 16 * 1024;

/// The longest file with a bundle.
const MAX_FILE_BYTES: u64 = 64 * 1024;

const NOT_PUBLIC: &str =
    "the host has no public address, and the issuer has private_addresses=false";

pub(crate) struct IssuerFetcher<'a> {
    /// The URL that the operator wrote, or that follows from the `iss` the operator wrote.
    pub(crate) configured: &'a JwksUri,
    pub(crate) rules: &'a FetchRules,
    /// For one request, all in all.
    pub(crate) timeout: Duration,
    pub(crate) dns: &'a Dns,
}

impl IssuerFetcher<'_> {
    /// The text at a URL, which may stand in a document of the issuer.
    pub(crate) async fn get(&self, uri: &JwksUri) -> anyhow::Result<String> {
        let is_configured = uri.authority() == self.configured.authority();
        let (rules, mut allowed) = (self.rules, self.rules.allowed_hosts.iter());
        ensure!(
            is_configured || allowed.any(|it| it == uri.authority()),
            "the host {} is not allowed: add it to allowed_hosts of the issuer",
            uri.authority()
        );
        let reach = Reach {
            private_addresses: rules.private_addresses,
            otherwise: NOT_PUBLIC,
            dns: self.dns.clone(),
        };
        reach.check(uri)?;
        // The files may be replaced at any time: each fetch reads them. Authorities are many, and reading them takes long.
        let ca = rules.ca_file.as_ref().map(path);
        let timeout = self.timeout;
        let client = tokio::task::spawn_blocking(move || build(ca.as_deref(), reach, timeout));
        let client = client.await?.context("ca_file")?;
        let mut request = client.get(uri.url().clone());
        let file = rules.bearer_token_file.as_ref();
        if let Some(file) = file.filter(|_| is_configured) {
            let token = read_token(file).await.context("bearer_token_file")?;
            request = request.header(reqwest::header::AUTHORIZATION, token);
        }
        get_text(request).await
    }
}

pub(crate) async fn read_key_file(file: &FilePath) -> anyhow::Result<String> {
    read(file, MAX_FILE_BYTES).await
}

/// The header for the token in a file. What has not the form of a token (RFC 6750 §2.1) is sent nowhere: it may be another
/// secret.
async fn read_token(file: &FilePath) -> anyhow::Result<HeaderValue> {
    let text = read(file, MAX_TOKEN_BYTES).await?;
    let token = text.trim();
    let is_good = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    ensure!(
        token.len() >= 8 && token.bytes().all(is_good),
        "{file} holds no bearer token"
    );
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}

async fn read(file: &FilePath, max_bytes: u64) -> anyhow::Result<String> {
    let path = path(file);
    let metadata = tokio::fs::metadata(&path).await;
    let metadata = metadata.with_context(|| file.to_string())?;
    ensure!(metadata.is_file(), "{file} is not a file");
    ensure!(
        metadata.len() <= max_bytes,
        "{file} is longer than {max_bytes} bytes"
    );
    let text = tokio::fs::read_to_string(&path).await;
    text.with_context(|| file.to_string())
}

fn path(file: &FilePath) -> PathBuf {
    PathBuf::from(file.as_str())
}
