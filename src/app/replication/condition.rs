//! Owns what a reading of the changes says of the service: what it can do from then on, and the lines in the log.

use crate::app::core::availability::{Degradation, Readiness};
use crate::app::error::Error;
use crate::app::replication::Replication;
use crate::store::StoreError;

impl Replication {
    /// All changes are known; the database may still refuse to be changed.
    pub(super) fn note_success(&self) {
        self.core.store.clear_suspicion();
        let before = self.core.readiness();
        // Why the service is not ready although all changes are known.
        let fault = self.core.store.fault().map(Degradation::from);
        let owes = || self.history.owes().then_some(Degradation::NotWrittenBack);
        let now = match fault.or_else(owes) {
            None => Readiness::Ready,
            Some(_) if self.is_stale() => Readiness::Stale,
            Some(reason) => Readiness::Degraded(reason),
        };
        if !self.core.availability.set_readiness(now) {
            return;
        }
        let limit = self.core.config.feed.stale_limit;
        match now {
            Readiness::Ready if before == Readiness::Starting => {}
            Readiness::Ready => tracing::info!(
                "the database answers again: the replica knows all changes and serves clients as usual"
            ),
            Readiness::Degraded(reason) => tracing::warn!(
                reason = reason.as_str(),
                "the database accepts no changes ({}); the server still issues and verifies tokens",
                reason.status()
            ),
            Readiness::Stale => tracing::error!(
                "the database has been read-only for {limit} s (STALE_LIMIT); the server refuses clients, because \
                    another database server may have accepted changes"
            ),
            Readiness::Starting => {}
        }
    }

    /// The changes cannot be read. A start that fails is told by whoever starts.
    pub(super) fn note_failure(&self, error: &Error) {
        if self.core.changes_read_at().is_none() {
            return;
        }
        let limit = self.core.config.feed.stale_limit;
        if self.is_stale() {
            if self.core.availability.set_readiness(Readiness::Stale) {
                tracing::error!(
                    "the server could not read changes for {limit} s (STALE_LIMIT), and refuses clients until it can: \
                        {}",
                    error.reason()
                );
            }
            return;
        }
        let reason = self.find_reason(error);
        let readiness = Readiness::Degraded(reason);
        if self.core.availability.set_readiness(readiness) {
            tracing::warn!(
                reason = reason.as_str(),
                "cannot read changes; the server serves clients in memory for at most {limit} s: {}",
                error.reason()
            );
        }
    }

    fn find_reason(&self, error: &Error) -> Degradation {
        if let Some(obstacle) = self.core.store.obstacle() {
            return (&*obstacle).into();
        }
        let cause = error.cause.as_ref();
        match cause.and_then(|cause| cause.downcast_ref::<StoreError>()) {
            Some(StoreError::Faulty(fault, _)) => (*fault).into(),
            Some(_) | None => Degradation::Unreachable,
        }
    }

    /// Whether others may have made changes for longer than `STALE_LIMIT` that this replica does not know.
    fn is_stale(&self) -> bool {
        let limit = self.core.config.feed.stale_limit;
        let read_at = self.core.changes_read_at();
        read_at.is_some_and(|read_at| self.core.clock.steady().since(read_at) > limit)
    }
}
