//! What this replica says of itself in the database, so that people see all of them wherever they look. Nothing depends
//! on it.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use crate::app::error::Result;
use crate::app::replication::Replication;
use crate::base::clock::{Clock, UnixTime};
use crate::base::secret::random_base62;
use crate::domain::Replica;

/// One that was not heard of for so long is not shown any more, in seconds.
const SHOWN: i64 = 24 * 3_600;

/// This one.
pub(crate) struct ThisReplica {
    replica_id: String,
    /// By the steady time: by the time that decides it could be known only after the first measurement of that.
    started: UnixTime,
    certificate_end: OnceLock<CertificateEnd>,
}

type CertificateEnd = Box<dyn Fn() -> Option<UnixTime> + Send + Sync>;

impl fmt::Debug for ThisReplica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThisReplica")
            .field("replica_id", &self.replica_id)
            .finish_non_exhaustive()
    }
}

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

impl Replication {
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
        Ok(self
            .core
            .store
            .delete_replica(&self.replica.replica_id)
            .await?)
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
