//! Owns the count of clients that are about to be locked out by time: those whose last secret ends soon, and those
//! that are so already. One whose rotation overlaps has a later one and is none of them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::error::Result;
use crate::app::secrets::Secrets;
use crate::base::clock::UnixTime;
use crate::domain::ClientId;

const DAY: i64 = 86_400;

/// The spans that are looked at, in seconds, and their names.
pub(crate) const SPANS: [(i64, &str); 3] = [(DAY, "1d"), (7 * DAY, "7d"), (30 * DAY, "30d")];

/// Enabled clients that log in by secret, by when their last one ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSecrets {
    /// It has.
    pub past: u64,
    /// It does within the span of this name.
    pub within: [(&'static str, u64); SPANS.len()],
}

impl Secrets {
    /// Of these clients those whose last secret ends before `until`, with when it does.
    pub async fn list_last_ends(
        &self,
        ids: &[&ClientId],
        until: UnixTime,
    ) -> Result<HashMap<ClientId, UnixTime>> {
        let found = self.core.store.list_last_secret_ends(ids, until).await?;
        Ok(found.into_iter().collect())
    }

    /// Counts the clients whose last secret ends soon.
    pub async fn count_expiring(&self) -> Result<()> {
        let now = self.core.now();
        let ends = SPANS.map(|(seconds, _)| now.plus(seconds));
        let (past, counts) = self.core.store.count_last_secrets(now, ends).await?;
        let within = std::array::from_fn(|i| (SPANS[i].1, counts[i]));
        let counted = LastSecrets { past, within };
        self.expiring.store(Some(Arc::new(counted)));
        Ok(())
    }
}
