//! `restore`: makes a database that was restored from a backup ready for servers.

use crate::app::error::Result;
use crate::app::replication::Replication;
use crate::domain::{Installation, Origin};

impl Replication {
    /// Starts a new epoch, so that running replicas compare what they know with the database; and revokes every token that
    /// was issued before, unless `keep_tokens`: nobody knows which of them were revoked after the backup was made.
    pub async fn restore(&self, by: &Origin, keep_tokens: bool) -> Result<Installation> {
        let stamp = self.core.stamp(by);
        Ok(self.core.store.start_epoch(keep_tokens, stamp).await?)
    }
}
