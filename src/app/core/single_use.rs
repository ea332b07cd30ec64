//! Values that may be used once, on all replicas together: the name of an assertion, and whatever else must not
//! be played back. Owns how such a value is named in the store.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quick_cache::sync::Cache;

use crate::app::core::Core;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::base::metrics::CacheMetrics;

/// Values that were tried again and are known to be used; past that the least used are forgotten.
const REPLAYED: usize = 1_000;

/// Uses values once.
#[derive(Clone)]
pub struct SingleUse {
    core: Arc<Core>,
    /// A used value stays used, so what is in here is never wrong. Who tries one without end does not ask the database.
    replayed: Arc<Cache<String, ()>>,
}

impl SingleUse {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self {
            core: Arc::clone(core),
            replayed: Arc::new(Cache::new(REPLAYED)),
        }
    }

    pub(crate) fn metrics(&self) -> CacheMetrics {
        let replayed = &self.replayed;
        CacheMetrics::of_entries("replayed_values", replayed.len(), replayed.capacity())
    }

    /// Uses the value `jti` of `issuer`, which may be used once as a `kind` until `good_until`; false when it was
    /// used before, here or on another replica.
    pub(crate) async fn use_once(
        &self,
        kind: &str,
        issuer: &str,
        jti: &str,
        good_until: UnixTime,
    ) -> Result<bool> {
        let key = key(&[kind, issuer, jti]);
        if self.replayed.contains_key(&key) {
            return Ok(false);
        }
        let store = self.core.database()?;
        let is_first = store.use_once(&key, good_until, self.core.now()).await?;
        if !is_first {
            self.replayed.insert(key, ());
        }
        Ok(is_first)
    }

    /// Forgets the values that nobody would accept any more in any case, not even a replica that goes by its own clock since it
    /// has not reached the database yet.
    pub async fn prune(&self) -> Result<u64> {
        let slack = self.core.config.feed.max_clock_difference;
        let end = self.core.trusted_time().await?.ago(slack);
        Ok(self.core.store.prune_single_use_values(end).await?)
    }
}

/// A hash, so that it has one length whatever others call their values. The lengths keep apart what would
/// otherwise read alike.
pub(crate) fn key(parts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_one_length_and_keep_their_parts_apart() {
        assert_eq!(key(&["a", "b", "c"]).len(), key(&["", "", ""]).len());
        assert_ne!(key(&["a", "b", "c"]), key(&["ab", "", "c"]));
    }
}
