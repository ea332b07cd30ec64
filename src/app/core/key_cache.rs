//! Owns when keys that others publish are fetched: when they are needed, again after a while, and again for a key that is not
//! among them, never more often than allowed. While they cannot be had, the old ones serve for a bounded time.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

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
    current: RwLock<Option<Fetched<T>>>,
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

impl<T> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        Self {
            keys: Arc::clone(&self.keys),
            at: self.at,
        }
    }
}

impl<T> Default for KeySlot<T> {
    fn default() -> Self {
        Self {
            current: RwLock::new(None),
            tried_at: Mutex::new(None),
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
        match self.current() {
            Some(fetched) if fetching.now.since(fetched.at) < fetching.policy.ttl => {
                Ok(fetched.keys)
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
        let old = self.current();
        let found = match &old {
            Some(fetched) if !Arc::ptr_eq(&fetched.keys, known) => Arc::clone(&fetched.keys),
            _ => self.fetch(fetching, old, get).await.ok()?,
        };
        (!Arc::ptr_eq(&found, known)).then_some(found)
    }

    /// What was fetched last.
    pub(crate) fn last(&self) -> Option<Arc<T>> {
        self.current().map(|fetched| fetched.keys)
    }

    /// How old the keys are, in seconds; `None`: there are none.
    pub(crate) fn age(&self, now: UnixTime) -> Option<i64> {
        self.current().map(|fetched| now.since(fetched.at))
    }

    /// How many fetches failed.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.value()
    }

    /// Fetches, unless somebody has since `old` was read, or tried a moment ago.
    async fn fetch(
        &self,
        fetching: Fetching<'_>,
        old: Option<Fetched<T>>,
        get: impl Future<Output = anyhow::Result<T>>,
    ) -> Result<Arc<T>, String> {
        let Fetching { policy, keys, now } = fetching;
        let mut tried_at = self.tried_at.lock().await;
        if let Some(newer) = self.current()
            && old
                .as_ref()
                .is_none_or(|old| !Arc::ptr_eq(&old.keys, &newer.keys))
        {
            return Ok(newer.keys);
        }
        let interval = match &old {
            Some(_) => policy.min_interval,
            None => policy.retry_interval,
        };
        let failed = match *tried_at {
            Some(at) if now.since(at) < interval => {
                format!(
                    "the server already asked for {keys} {} s ago",
                    now.since(at)
                )
            }
            _ => {
                *tried_at = Some(now);
                match get.await {
                    Ok(keys) => return Ok(self.replace(keys, now)),
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
            Some(old) if now.since(old.at) < policy.ttl + policy.stale_limit => Ok(old.keys),
            _ => Err(failed),
        }
    }

    fn current(&self) -> Option<Fetched<T>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn replace(&self, keys: T, at: UnixTime) -> Arc<T> {
        let keys = Arc::new(keys);
        let fetched = Fetched {
            keys: Arc::clone(&keys),
            at,
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
        keys
    }
}
