//! Owns the keys that clients publish at a `jwks_uri`, by their URL. When they are fetched, `core::key_cache` says.

use std::convert::Infallible;
use std::sync::Arc;

use quick_cache::sync::Cache;
use tracing::Instrument;

use crate::app::core::key_cache::{Fetching, KeyCachePolicy, KeySlot, KeysOf};
use crate::base::clock::UnixTime;
use crate::base::metrics::CacheMetrics;
use crate::base::tracing_span::{TARGET, within_request};
use crate::config::JwksUriConfig;
use crate::domain::{JwkSet, JwksUri, SkippedKey};
use crate::outbound::dns::Dns;
use crate::outbound::jwks_fetcher::Fetcher;

/// URLs whose keys are kept; past that the least used are forgotten.
const CAPACITY: usize = 1_000;

/// For how many seconds more old keys are believed when new ones cannot be had.
const STALE_LIMIT: i64 = 15 * 60;

/// Keys of one fetch that are logged as not used, each on a line of its own.
const MAX_SKIPPED_LINES: usize = 20;

pub(crate) struct PublishedKeys {
    fetcher: Fetcher,
    slots: Cache<JwksUri, Arc<KeySlot<JwkSet>>>,
    policy: KeyCachePolicy,
}

impl PublishedKeys {
    pub(crate) fn new(config: &JwksUriConfig, dns: &Dns) -> anyhow::Result<Self> {
        Ok(Self {
            fetcher: Fetcher::new(config, dns)?,
            slots: Cache::new(CAPACITY),
            policy: KeyCachePolicy {
                ttl: config.ttl,
                min_interval: config.min_interval,
                retry_interval: config.min_interval,
                stale_limit: STALE_LIMIT,
            },
        })
    }

    pub(crate) fn metrics(&self) -> CacheMetrics {
        CacheMetrics::of_entries("published_keys", self.slots.len(), self.slots.capacity())
    }

    fn slot(&self, uri: &JwksUri) -> Arc<KeySlot<JwkSet>> {
        let found = self
            .slots
            .get_or_insert_with(uri, || Ok::<_, Infallible>(Arc::default()));
        found.unwrap_or_else(|never| match never {})
    }

    /// The keys at a URL; else why there are none, for the log.
    pub(crate) async fn find(&self, uri: &JwksUri, now: UnixTime) -> Result<Arc<JwkSet>, String> {
        let fetching = self.fetching(uri, now);
        self.slot(uri).find(fetching, self.get(uri)).await
    }

    /// The keys at a URL, if they can be newer than `known`, in which one was missing.
    pub(crate) async fn find_newer(
        &self,
        uri: &JwksUri,
        known: &Arc<JwkSet>,
        now: UnixTime,
    ) -> Option<Arc<JwkSet>> {
        let fetching = self.fetching(uri, now);
        let slot = self.slot(uri);
        slot.find_newer(known, fetching, self.get(uri)).await
    }

    fn fetching<'a>(&self, uri: &'a JwksUri, now: UnixTime) -> Fetching<'a> {
        Fetching {
            policy: self.policy,
            keys: KeysOf::Url(uri),
            now,
        }
    }

    async fn get(&self, uri: &JwksUri) -> anyhow::Result<JwkSet> {
        let span = within_request(|| {
            let host = uri.authority();
            tracing::debug_span!(
                target: TARGET, "fetch keys", otel.kind = "client", server.address = host
            )
        });
        let text = self.fetcher.get(uri).instrument(span).await?;
        let (keys, skipped) = JwkSet::parse_published(&text)?;
        log_skipped(uri, &skipped);
        Ok(keys)
    }
}

fn log_skipped(uri: &JwksUri, skipped: &[SkippedKey]) {
    for key in skipped.iter().take(MAX_SKIPPED_LINES) {
        tracing::warn!("the server skips a key at {uri}: {key}");
    }
    if let Some(others @ 1..) = skipped.len().checked_sub(MAX_SKIPPED_LINES) {
        tracing::warn!("the server skips {others} more keys at {uri}");
    }
}
