//! Owns when keys that others publish are fetched: when they are needed, again after a while, and again for a key that is not
//! among them, never more often than allowed. While they cannot be had, the old ones serve for a bounded time.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::domain::{IssuerName, JwksUri};

/// When keys are fetched; all in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyCachePolicy {
    /// After this time they are fetched again.
    pub(crate) ttl: i64,
    /// Between two fetches lies at least this.
    pub(crate) min_interval: i64,
    /// Between two fetches lies at least this where there are no keys at all.
    pub(crate) retry_interval: i64,
    /// For so long after their `ttl` old keys serve when new ones cannot be had.
    pub(crate) stale_limit: i64,
}

/// The keys of one place.
pub(crate) struct KeySlot<T> {
    current: ArcSwapOption<Fetched<T>>,
    /// When somebody last tried. Held while fetching, so that nobody else does.
    tried_at: Mutex<Option<UnixTime>>,
    failed: Counter,
}

/// Where and when keys are fetched.
#[derive(Clone, Copy)]
pub(crate) struct Fetching<'a> {
    pub(crate) policy: KeyCachePolicy,
    pub(crate) keys: KeysOf<'a>,
    /// By a clock that nobody sets.
    pub(crate) now: UnixTime,
}

/// Whose keys they are, for the log.
#[derive(Clone, Copy)]
pub(crate) enum KeysOf<'a> {
    Url(&'a JwksUri),
    Issuer(&'a IssuerName),
}

impl fmt::Display for KeysOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(uri) => write!(f, "the keys at {uri}"),
            Self::Issuer(name) => write!(f, "the keys of the issuer `{name}`"),
        }
    }
}

struct Fetched<T> {
    keys: Arc<T>,
    at: UnixTime,
}

impl<T> Default for KeySlot<T> {
    fn default() -> Self {
        Self {
            current: ArcSwapOption::empty(),
            tried_at: Mutex::default(),
            failed: Counter::default(),
        }
    }
}

impl<T> KeySlot<T> {
    /// The keys; else why there are none, for the log. `get` is run if they have to be fetched.
    pub(crate) async fn find(
        &self,
        fetching: Fetching<'_>,
        get: impl Future<Output = anyhow::Result<T>>,
    ) -> Result<Arc<T>, String> {
        match self.current.load_full() {
            Some(fetched) if fetching.now.since(fetched.at) < fetching.policy.ttl => {
                Ok(Arc::clone(&fetched.keys))
            }
            old => self.fetch(fetching, old, get).await,
        }
    }

    /// The keys, if they can be newer than `known`, in which one was missing.
    pub(crate) async fn find_newer(
        &self,
        known: &Arc<T>,
        fetching: Fetching<'_>,
        get: impl Future<Output = anyhow::Result<T>>,
    ) -> Option<Arc<T>> {
        let old = self.current.load_full();
        let found = match &old {
            Some(fetched) if !Arc::ptr_eq(&fetched.keys, known) => Arc::clone(&fetched.keys),
            _ => self.fetch(fetching, old, get).await.ok()?,
        };
        (!Arc::ptr_eq(&found, known)).then_some(found)
    }

    pub(crate) fn last(&self) -> Option<Arc<T>> {
        let current = self.current.load();
        current.as_ref().map(|it| Arc::clone(&it.keys))
    }

    /// How old the keys are, in seconds; `None`: there are none.
    pub(crate) fn age(&self, now: UnixTime) -> Option<i64> {
        self.current.load().as_ref().map(|it| now.since(it.at))
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.value()
    }

    /// Fetches, unless somebody has since `old` was read, or tried a moment ago.
    async fn fetch(
        &self,
        fetching: Fetching<'_>,
        old: Option<Arc<Fetched<T>>>,
        get: impl Future<Output = anyhow::Result<T>>,
    ) -> Result<Arc<T>, String> {
        let Fetching { policy, keys, now } = fetching;
        let mut tried_at = self.tried_at.lock().await;
        if let Some(newer) = self.current.load_full()
            && old.as_ref().is_none_or(|old| !Arc::ptr_eq(old, &newer))
        {
            return Ok(Arc::clone(&newer.keys));
        }
        let interval = match &old {
            Some(_) => policy.min_interval,
            None => policy.retry_interval,
        };
        let failed = match *tried_at {
            Some(at) if now.since(at) < interval => {
                let seconds = now.since(at);
                format!("the server already asked for {keys} {seconds} s ago")
            }
            _ => {
                *tried_at = Some(now);
                match get.await {
                    Ok(keys) => {
                        let keys = Arc::new(keys);
                        let fetched = Arc::new(Fetched { keys, at: now });
                        self.current.store(Some(Arc::clone(&fetched)));
                        return Ok(Arc::clone(&fetched.keys));
                    }
                    Err(error) => {
                        self.failed.inc();
                        let failed = format!("cannot fetch {keys}: {error:#}");
                        tracing::warn!("{failed}");
                        failed
                    }
                }
            }
        };
        match old {
            Some(old) if now.since(old.at) < policy.ttl + policy.stale_limit => {
                Ok(Arc::clone(&old.keys))
            }
            _ => Err(failed),
        }
    }
}
