//! Owns what this replica does when its database turns out to be older than what it knows: after a restore, or after a
//! fail-over that lost commits. It reads everything anew, and writes back the revocations that the database lost.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::app::replication::Replication;
use crate::base::metrics::Counter;
use crate::domain::{ChangeId, Installation};

/// What is known of the history of the database.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The epoch of the database when it was last looked at; 0: not yet.
    epoch: AtomicI64,
    losses: Counter,
    tokens: Counter,
    clients: Counter,
}

/// What was counted of lost history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryMetrics {
    /// How often the database was older than what this replica knew, or restored.
    pub losses: u64,
    /// Revocations of tokens that were written back.
    pub tokens: u64,
    /// Generations of clients that were written back.
    pub clients: u64,
}

impl History {
    /// The database lacks changes that this replica has read, or they are too old to be there.
    pub(super) fn note_loss(&self) {
        self.losses.inc();
    }

    pub(crate) fn metrics(&self) -> HistoryMetrics {
        HistoryMetrics {
            losses: self.losses.value(),
            tokens: self.tokens.value(),
            clients: self.clients.value(),
        }
    }
}

impl Replication {
    /// Has everything read anew if the database was restored.
    pub(super) fn check_epoch(&self, installation: &Installation, position: &mut Option<ChangeId>) {
        let epoch = installation.epoch;
        let before = self.history.epoch.swap(epoch, Ordering::Relaxed);
        if before == epoch || position.is_none() {
            return;
        }
        tracing::warn!(
            "the database was restored (its epoch was {before} and is {epoch}): everything is read anew"
        );
        self.lose(position);
    }

    /// The database is not what it was when the changes were last read.
    pub(super) fn lose(&self, position: &mut Option<ChangeId>) {
        *position = None;
        self.history.note_loss();
        // The connections of requests may lead to a server that is not the primary any more.
        self.core.store.reconnect();
    }
}
