//! Owns the keys of trusted issuers: where they come from, and when they are fetched.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;
use tracing::Instrument;

use crate::app::core::key_cache::{Fetching, KeyCachePolicy, KeySlot, KeysOf};
use crate::app::error::Error;
use crate::app::issuers::Issuers;
use crate::base::clock::UnixTime;
use crate::base::json;
use crate::base::tracing_span::{TARGET, within_request};
use crate::domain::{
    IssuerName, JwkSet, JwksUri, KeySource, SkippedKey, SpiffeBundle, TrustAnchor, TrustedIssuer,
};
use crate::outbound::dns::Dns;
use crate::outbound::issuer_fetcher::{IssuerFetcher, read_key_file};

/// An unknown `kid` causes one fetch a minute at most. Old keys serve for four hours while an issuer is down.
const POLICY: KeyCachePolicy = KeyCachePolicy {
    ttl: 5 * 60,
    min_interval: 60,
    retry_interval: 10,
    stale_limit: 4 * 60 * 60,
};

/// Keys of one fetch that are logged as not used.
const MAX_SKIPPED_LINES: usize = 20;

/// An issuer with its keys as far as they are known.
pub(crate) struct LoadedIssuer {
    pub(crate) issuer: TrustedIssuer,
    /// The highest `spiffe_sequence` that any replica had seen when the issuer was read.
    known_sequence: Option<i64>,
    slot: KeySlot<IssuerKeys>,
}

/// The keys of an issuer.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    pub(crate) set: JwkSet,
    /// Of a SPIFFE bundle.
    pub(crate) sequence: Option<i64>,
    /// From where they were fetched; `None`: they are written down or in a file.
    pub(crate) from: Option<JwksUri>,
    pub(crate) skipped: Vec<SkippedKey>,
}

/// What is known of the keys of an issuer.
#[derive(Clone, Debug)]
pub struct IssuerMetrics {
    /// Its name.
    pub name: IssuerName,
    /// How old its keys are, in seconds; `None`: none were fetched yet.
    pub key_age: Option<i64>,
    /// Fetches that failed.
    pub failed_fetches: u64,
}

/// What is needed of a discovery document (`OpenID` Connect Discovery 1.0 §3, RFC 8414 §2).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl LoadedIssuer {
    pub(super) fn new(issuer: TrustedIssuer, known_sequence: Option<i64>) -> Self {
        Self {
            issuer,
            known_sequence,
            slot: KeySlot::default(),
        }
    }

    /// Whether the `spiffe_sequence` of a bundle is known.
    pub(super) fn has_sequence(&self) -> bool {
        self.highest_sequence().is_some()
    }

    fn highest_sequence(&self) -> Option<i64> {
        let last = self.slot.last().and_then(|last| last.sequence);
        last.max(self.known_sequence)
    }

    /// Fetches or reads the keys now. Fails with exactly what is wrong.
    pub(super) async fn get(&self, timeout: Duration, dns: &Dns) -> anyhow::Result<IssuerKeys> {
        let keys = self.read(timeout, dns).await?;
        refuse_older(keys.sequence, self.highest_sequence())?;
        Ok(keys)
    }

    async fn read(&self, timeout: Duration, dns: &Dns) -> anyhow::Result<IssuerKeys> {
        let source = &self.issuer.keys;
        let url = self.issuer.key_url()?;
        let Some(configured) = &url else {
            return match (source, &self.issuer.anchor) {
                (KeySource::Inline(set), TrustAnchor::Domain(_)) => {
                    IssuerKeys::of_bundle(set.as_str(), None)
                }
                (KeySource::Inline(set), TrustAnchor::Url(_)) => Ok(IssuerKeys {
                    set: set.clone(),
                    sequence: None,
                    from: None,
                    skipped: Vec::new(),
                }),
                (KeySource::BundleFile(file), _) => {
                    let text = read_key_file(file).await.context("bundle_file")?;
                    IssuerKeys::of_bundle(&text, None)
                }
                (
                    KeySource::Discovery(_) | KeySource::JwksUri(_) | KeySource::BundleEndpoint(_),
                    _,
                ) => anyhow::bail!("the issuer has no URL to fetch keys from"),
            };
        };
        let fetcher = IssuerFetcher {
            configured,
            rules: &self.issuer.fetch,
            timeout,
            dns,
        };
        let uri = if matches!(source, KeySource::Discovery(_)) {
            self.discover(&fetcher).await?
        } else {
            configured.clone()
        };
        let text = fetcher.get(&uri).await.with_context(|| uri.to_string())?;
        if matches!(source, KeySource::BundleEndpoint(_)) {
            return IssuerKeys::of_bundle(&text, Some(uri));
        }
        let (set, skipped) = JwkSet::parse_published(&text)?;
        Ok(IssuerKeys {
            set,
            sequence: None,
            from: Some(uri),
            skipped,
        })
    }

    /// Where the keys are, by the discovery document. Another issuer's document is refused (Discovery §4.3).
    async fn discover(&self, fetcher: &IssuerFetcher<'_>) -> anyhow::Result<JwksUri> {
        let url = fetcher.configured;
        let text = fetcher.get(url).await.with_context(|| url.to_string())?;
        let document: Discovery =
            json::from_str(&text).with_context(|| format!("{url} is not a discovery document"))?;
        let TrustAnchor::Url(expected) = &self.issuer.anchor else {
            anyhow::bail!("a trust domain has no discovery document");
        };
        ensure!(
            document.issuer == expected.as_str(),
            "{url} is the document of the issuer `{}`, not of `{expected}`",
            document.issuer
        );
        let uri = JwksUri::parse(&document.jwks_uri);
        uri.with_context(|| format!("the jwks_uri in {url}"))
    }
}

/// A bundle of before would bring back keys that were withdrawn (SPIFFE Trust Domain and Bundle §4.1.1).
fn refuse_older(new: Option<i64>, known: Option<i64>) -> anyhow::Result<()> {
    if let (Some(known), Some(new)) = (known, new) {
        ensure!(
            new >= known,
            "the bundle's spiffe_sequence went back from {known} to {new}; if the trust domain was set up again, \
                disable the issuer and enable it again"
        );
    }
    Ok(())
}

impl IssuerKeys {
    fn of_bundle(text: &str, from: Option<JwksUri>) -> anyhow::Result<Self> {
        let bundle = SpiffeBundle::parse(text)?;
        Ok(Self {
            set: bundle.keys,
            sequence: bundle.sequence,
            from,
            skipped: bundle.skipped,
        })
    }
}

impl Issuers {
    /// The keys of an issuer; else why there are none, for the log.
    pub(super) async fn keys(&self, issuer: &LoadedIssuer) -> Result<Arc<IssuerKeys>, String> {
        let fetching = self.fetching(issuer);
        issuer.slot.find(fetching, self.get(issuer)).await
    }

    /// The keys of an issuer, if they can be newer than `known`, in which one was missing.
    pub(super) async fn newer_keys(
        &self,
        issuer: &LoadedIssuer,
        known: &Arc<IssuerKeys>,
    ) -> Option<Arc<IssuerKeys>> {
        let fetching = self.fetching(issuer);
        let get = self.get(issuer);
        issuer.slot.find_newer(known, fetching, get).await
    }

    fn fetching<'a>(&self, issuer: &'a LoadedIssuer) -> Fetching<'a> {
        Fetching {
            policy: POLICY,
            keys: KeysOf::Issuer(&issuer.issuer.name),
            now: self.core.clock.steady(),
        }
    }

    async fn get(&self, issuer: &LoadedIssuer) -> anyhow::Result<IssuerKeys> {
        let name = &issuer.issuer.name;
        let span = within_request(|| {
            tracing::debug_span!(
                target: TARGET, "fetch issuer keys", otel.kind = "client", issuer = %name
            )
        });
        let get = issuer.get(self.timeout(), &self.core.dns);
        let keys = get.instrument(span).await?;
        if let Some(sequence) = keys.sequence {
            self.keep_sequence(name, sequence).await?;
        }
        for key in keys.skipped.iter().take(MAX_SKIPPED_LINES) {
            tracing::warn!("the server skips a key of the issuer `{name}`: {key}");
        }
        Ok(keys)
    }

    /// Keeps the sequence of a bundle for all replicas and for after a restart; refuses one of before. While the database is
    /// gone, what this replica knows has to do.
    async fn keep_sequence(&self, name: &IssuerName, sequence: i64) -> anyhow::Result<()> {
        let raise = async {
            let store = self.core.database()?;
            Ok::<_, Error>(store.raise_spiffe_sequence(name, sequence).await?)
        };
        match raise.await {
            Ok(known) => refuse_older(Some(sequence), known),
            Err(error) => {
                let why = error.reason();
                tracing::warn!("cannot store the spiffe_sequence of the issuer `{name}`: {why}");
                Ok(())
            }
        }
    }

    /// For one request.
    pub(super) fn timeout(&self) -> Duration {
        self.core.config.client_authentication.jwks_uri.timeout
    }

    /// What is known of the keys of each issuer.
    pub fn metrics(&self) -> Vec<IssuerMetrics> {
        let now: UnixTime = self.core.clock.steady();
        let loaded = self.loaded.load_full().unwrap_or_default();
        let of = |it: &Arc<LoadedIssuer>| IssuerMetrics {
            name: it.issuer.name.clone(),
            key_age: it.slot.age(now),
            failed_fetches: it.slot.failed(),
        };
        loaded.iter().map(of).collect()
    }
}
