//! Rotations that end by themselves: the old secret dies some time after its last use.

use crate::app::error::Result;
use crate::app::secrets::Secrets;
use crate::domain::{ClientId, IdleExpiry, Origin, SecretId};

/// A use is written within seconds; this is more.
const WRITTEN_WITHIN: i64 = 60;

impl Secrets {
    /// Sets that a secret ends so long after its last use, or that it does not. What was said of its end at a fixed time
    /// stays: it ends by whichever comes first.
    pub async fn set_idle_expiry(
        &self,
        by: &Origin,
        id: &ClientId,
        secret_id: &SecretId,
        unused_for: Option<IdleExpiry>,
    ) -> Result<()> {
        let (store, stamp) = (&self.core.store, self.core.stamp(by));
        let done = store.set_idle_expiry(id, secret_id, unused_for, stamp);
        self.changed(id, secret_id, done.await?)
    }

    /// Ends the secrets that have not been used for as long as was set; how many. The last good one of a client stays.
    ///
    /// A replica that is cut off goes on for `STALE_LIMIT` and writes later which secrets were used meanwhile. So that
    /// none of them is taken for unused, all end that much later.
    pub async fn expire_idle(&self) -> Result<u64> {
        let slack = self.core.config.feed.stale_limit + WRITTEN_WITHIN;
        let (store, by) = (&self.core.store, &Origin::SERVER);
        let mut ended = 0;
        let now = self.core.trusted_time().await?;
        for (id, secret_id) in store.list_idle_secrets(now, slack).await? {
            let ended_one = store.expire_idle_secret(&id, &secret_id, slack, by, now);
            if ended_one.await? {
                self.cache.forget(&id);
                tracing::info!(client_id = %id, secret_id = %secret_id, "an unused secret has expired");
                ended += 1;
            }
        }
        Ok(ended)
    }
}
