//! Owns the keys that clients publish at a `jwks_uri`: fetched when they are needed, kept for a while, fetched
//! again for a key that is not among them, never more often than the operator allows.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use tracing::Instrument;

use crate::base::clock::UnixTime;
use crate::base::metrics::CacheMetrics;
use crate::base::tracing_span::{TARGET, within_request};
use crate::config::JwksUriConfig;
use crate::domain::{JwkSet, JwksUri, SkippedKey};
use crate::outbound::jwks_fetcher::Fetcher;

/// URLs whose keys are kept; past that the least used are forgotten.
const CAPACITY: usize = 1_000;

/// For how many seconds more old keys are believed when new ones cannot be had.
const STALE_LIMIT: i64 = 15 * 60;

/// Keys of one fetch that are logged as not used, each on a line of its own.
const MAX_SKIPPED_LINES: usize = 20;

/// Key sets by their URL.
pub(crate) struct PublishedKeys {
    fetcher: Fetcher,
    slots: Cache<JwksUri, Arc<Slot>>,
    ttl: i64,
    min_interval: i64,
}

#[derive(Default)]
struct Slot {
    current: RwLock<Option<Fetched>>,
    /// When somebody last tried. Held while fetching, so that nobody else does.
    tried_at: Mutex<Option<UnixTime>>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<JwkSet>,
    at: UnixTime,
}

impl PublishedKeys {
    /// Has fetched nothing yet.
    pub(crate) fn new(config: &JwksUriConfig) -> anyhow::Result<Self> {
        Ok(Self {
            fetcher: Fetcher::new(config)?,
            slots: Cache::new(CAPACITY),
            ttl: config.ttl,
            min_interval: config.min_interval,
        })
    }

    pub(crate) fn metrics(&self) -> CacheMetrics {
        CacheMetrics {
            name: "published_keys",
            entries: self.slots.len() as u64,
            bytes: None,
            limit: self.slots.capacity(),
            asked: None,
        }
    }

    fn slot(&self, uri: &JwksUri) -> Arc<Slot> {
        let found = self
            .slots
            .get_or_insert_with(uri, || Ok::<_, Infallible>(Arc::default()));
        found.unwrap_or_else(|never| match never {})
    }

    /// The keys at a URL; else why there are none, for the log.
    pub(crate) async fn find(&self, uri: &JwksUri, now: UnixTime) -> Result<Arc<JwkSet>, String> {
        let slot = self.slot(uri);
        match slot.current() {
            Some(fetched) if now.since(fetched.at) < self.ttl => Ok(fetched.keys),
            old => self.fetch(uri, &slot, old, now).await,
        }
    }

    /// The keys at a URL, if they can be newer than `known`, in which one was missing.
    pub(crate) async fn find_newer(
        &self,
        uri: &JwksUri,
        known: &Arc<JwkSet>,
        now: UnixTime,
    ) -> Option<Arc<JwkSet>> {
        let slot = self.slot(uri);
        let old = slot.current();
        let found = match &old {
            Some(fetched) if !Arc::ptr_eq(&fetched.keys, known) => Arc::clone(&fetched.keys),
            _ => self.fetch(uri, &slot, old, now).await.ok()?,
        };
        (!Arc::ptr_eq(&found, known)).then_some(found)
    }

    /// Fetches, unless somebody has since `old` was read, or tried a moment ago.
    async fn fetch(
        &self,
        uri: &JwksUri,
        slot: &Slot,
        old: Option<Fetched>,
        now: UnixTime,
    ) -> Result<Arc<JwkSet>, String> {
        let mut tried_at = slot.tried_at.lock().await;
        if let Some(newer) = slot.current()
            && old
                .as_ref()
                .is_none_or(|old| !Arc::ptr_eq(&old.keys, &newer.keys))
        {
            return Ok(newer.keys);
        }
        let failed = match *tried_at {
            Some(at) if now.since(at) < self.min_interval => {
                format!("the keys at {uri} were asked for {} s ago", now.since(at))
            }
            _ => {
                *tried_at = Some(now);
                match self.get(uri).await {
                    Ok(keys) => return Ok(slot.replace(keys, now)),
                    Err(error) => {
                        let failed = format!("the keys at {uri} cannot be fetched: {error:#}");
                        tracing::warn!("{failed}");
                        failed
                    }
                }
            }
        };
        match old {
            Some(old) if now.since(old.at) < self.ttl + STALE_LIMIT => Ok(old.keys),
            _ => Err(failed),
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
        tracing::warn!("a key at {uri} is not used: {key}");
    }
    if let Some(others @ 1..) = skipped.len().checked_sub(MAX_SKIPPED_LINES) {
        tracing::warn!("{others} more keys at {uri} are not used");
    }
}

impl Slot {
    fn current(&self) -> Option<Fetched> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn replace(&self, keys: JwkSet, at: UnixTime) -> Arc<JwkSet> {
        let keys = Arc::new(keys);
        let fetched = Fetched {
            keys: Arc::clone(&keys),
            at,
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
        keys
    }
}
