//! This replica among the others: the change feed, readiness, the restart after a restore, and the row with which each
//! replica tells people of itself. Nothing depends on that row.

pub(crate) mod change_feed;
mod condition;
pub(crate) mod history;

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use crate::app::acme::Acme;
use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::core::availability::{Readiness, stale};
use crate::app::error::{Error, Result};
use crate::app::issuers::Issuers;
use crate::app::keys::Keys;
use crate::app::tokens::Tokens;
use crate::base::clock::{Clock, UnixTime};
use crate::base::secret::random_base62;
use crate::domain::{Installation, Origin, Replica};
use change_feed::Feed;
use history::History;

/// One that was not heard of for so long is not shown any more, in seconds.
const SHOWN: i64 = 24 * 3_600;

/// This replica among the others.
pub struct Replication {
    pub(super) core: Arc<Core>,
    pub(super) cache: Arc<ClientCache>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) keys: Arc<Keys>,
    pub(super) issuers: Arc<Issuers>,
    pub(super) acme: Option<Arc<Acme>>,
    pub(super) feed: Feed,
    pub(super) history: History,
    pub(super) replica: ThisReplica,
}

impl Replication {
    /// What the service can do right now, for orchestrators: they are told no more than was tried within this second.
    /// They wait for the start as well, and for them tokens must be issued and the clock must be right.
    pub async fn check_readiness(&self) -> Result<Readiness> {
        match self.core.readiness() {
            Readiness::Starting => Err(Error::without_revocations()),
            Readiness::Stale => Err(stale()),
            known @ (Readiness::Ready | Readiness::Degraded(_)) => {
                self.core.check_clock()?;
                self.keys.run_self_test_apart().await?;
                Ok(known)
            }
        }
    }

    /// Starts a new epoch, so that running replicas compare what they know with the database; and revokes every token that
    /// was issued before, unless `keep_tokens`: nobody knows which of them were revoked after the backup was made.
    pub async fn restore(&self, by: &Origin, keep_tokens: bool) -> Result<Installation> {
        let stamp = self.core.stamp(by);
        Ok(self.core.store.start_epoch(keep_tokens, stamp).await?)
    }

    /// Tells how it is known until when the presented certificate is good; the first word counts.
    pub fn tell_certificate_end(&self, end: impl Fn() -> Option<UnixTime> + Send + Sync + 'static) {
        let _ = self.replica.certificate_end.set(Box::new(end));
    }

    /// The name of this replica: that of its machine.
    pub fn name(&self) -> String {
        let system = rustix::system::uname();
        system.nodename().to_string_lossy().into_owned()
    }

    /// Says that this replica runs.
    pub async fn say_alive(&self) -> Result<()> {
        let end = self.replica.certificate_end.get();
        let (clock, now) = (&self.core.clock, self.core.now());
        let age = clock.steady().since(self.replica.started);
        let replica = Replica {
            replica_id: self.replica.replica_id.clone(),
            name: self.name(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now.plus(-age),
            seen_at: now,
            changes_read_at: self.core.changes_read_at(),
            listening: self.feed.listening.load(Ordering::Relaxed),
            certificate_expires_at: end.and_then(|end| end()),
        };
        Ok(self.core.store.upsert_replica(&replica).await?)
    }

    /// Says that it stops.
    pub async fn say_gone(&self) -> Result<()> {
        let (store, id) = (&self.core.store, self.replica.id());
        Ok(store.delete_replica(id).await?)
    }

    /// All that were heard of in the last day.
    pub async fn list_replicas(&self) -> Result<Vec<Replica>> {
        let since = self.core.now().plus(-SHOWN);
        Ok(self.core.store.list_replicas(since).await?)
    }

    /// Forgets those that were not.
    pub async fn prune_replicas(&self) -> Result<u64> {
        let end = self.core.trusted_time().await?.ago(SHOWN);
        Ok(self.core.store.prune_replicas(end).await?)
    }
}

pub(crate) struct ThisReplica {
    replica_id: String,
    /// By the steady time: by the time that decides it could be known only after the first measurement of that.
    started: UnixTime,
    certificate_end: OnceLock<CertificateEnd>,
}

type CertificateEnd = Box<dyn Fn() -> Option<UnixTime> + Send + Sync>;

impl ThisReplica {
    pub(crate) fn new(clock: &Clock) -> Self {
        Self {
            replica_id: random_base62(12),
            started: clock.steady(),
            certificate_end: OnceLock::new(),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.replica_id
    }
}
