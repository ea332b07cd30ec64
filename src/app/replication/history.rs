//! Owns what this replica does when its database turns out to be older than what it knows: after a restore, or after a
//! fail-over that lost commits. It reads everything anew, and writes back the revocations that the database lost.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::sync::Mutex;

use crate::app::error::Result;
use crate::app::replication::Replication;
use crate::app::tokens::revoke::lost_revocations::LostRevocations;
use crate::base::metrics::Counter;
use crate::domain::{ChangeId, Installation};

#[derive(Debug, Default)]
pub(crate) struct History {
    /// The epoch of the database when it was last looked at; 0: not yet.
    epoch: AtomicI64,
    /// The database may lack what this replica knows.
    owes: AtomicBool,
    /// What it lacks, once it was compared.
    lost: Mutex<Option<LostRevocations>>,
    refused: AtomicBool,
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
    pub(super) fn owes(&self) -> bool {
        self.owes.load(Ordering::Relaxed)
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
    /// Has everything read anew if the database was restored, or lost what this replica committed since its last reading: no
    /// place in the changes shows that.
    pub(super) async fn check_history(
        &self,
        installation: &Installation,
        position: &mut Option<ChangeId>,
    ) -> Result<()> {
        let epoch = installation.epoch;
        let before = self.history.epoch.swap(epoch, Ordering::Relaxed);
        let Some(after) = *position else {
            return Ok(());
        };
        if before != epoch {
            tracing::warn!(
                "the database was restored (its epoch was {before} and is {epoch}): this replica reads everything again"
            );
            self.lose(position).await;
        } else if self.core.store.lost_own_change(after).await? {
            tracing::warn!(
                "the database lost a change that this replica had committed: it reads everything again"
            );
            self.lose(position).await;
        }
        Ok(())
    }

    /// The database is not what it was when the changes were last read.
    pub(super) async fn lose(&self, position: &mut Option<ChangeId>) {
        *position = None;
        *self.history.lost.lock().await = None;
        self.history.owes.store(true, Ordering::Relaxed);
        self.history.losses.inc();
        // The connections of requests may lead to a server that is not the primary any more.
        self.core.store.reconnect();
    }

    /// Writes back what the database lost, if it may have lost anything. It is tried again after the next reading if the
    /// database refuses.
    pub(super) async fn write_back(&self) {
        if !self.history.owes() || self.core.store.fault().is_some() {
            return;
        }
        let written = self.write_back_lost().await;
        let (history, is_refused) = (&self.history, written.is_err());
        let was_refused = history.refused.swap(is_refused, Ordering::Relaxed);
        match written {
            Ok(()) => history.owes.store(false, Ordering::Relaxed),
            Err(error) if !was_refused => tracing::error!(
                "cannot write back the revocations that the database lost: {}",
                error.reason()
            ),
            Err(_) => {}
        }
    }

    async fn write_back_lost(&self) -> Result<()> {
        let mut lost = self.history.lost.lock().await;
        let found = match lost.take() {
            Some(found) => found,
            None => self.tokens.find_lost_revocations().await?,
        };
        let written = match self.tokens.write_back(&found).await {
            Ok(written) => written,
            Err(error) => {
                *lost = Some(found);
                return Err(error);
            }
        };
        self.history.tokens.add(written.tokens);
        self.history.clients.add(written.clients);
        if written.tokens + written.clients > 0 {
            tracing::warn!(
                "wrote back {} revocation(s) of tokens and {} generation(s) of clients that the database had lost",
                written.tokens,
                written.clients
            );
        }
        Ok(())
    }
}
