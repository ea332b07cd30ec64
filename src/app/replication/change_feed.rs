//! The change feed: how this replica learns what others have changed, and how old what it knows may be. Owns the
//! place up to which changes were read; what is remembered of clients, revocations and keys is their owners'.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, Notify};

use crate::app::core::availability::Readiness;
use crate::app::error::{Error, Result};
use crate::app::replication::Replication;
use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::domain::{Change, ChangeId};

/// Rows of one statement: enough that a busy hour is read at once, few enough that none runs for long.
const BATCH: u32 = 10_000;

/// Where this replica stands in the feed.
pub(crate) struct Feed {
    /// The last change that is applied; `None`: all has to be read.
    position: Mutex<Option<ChangeId>>,
    /// Somebody says that there is something to read.
    pub(crate) wake: Notify,
    /// Whether the database says so by itself.
    pub(crate) listening: AtomicBool,
    applied: Counter,
    failed: Counter,
    reloaded: Counter,
}

/// What is known of the feed.
#[derive(Clone, Copy, Debug)]
pub struct FeedMetrics {
    /// When changes were last read; `None`: not yet.
    pub read_at: Option<UnixTime>,
    /// Whether the database tells of changes.
    pub listening: bool,
    /// Changes that were applied.
    pub applied: u64,
    /// Readings that failed.
    pub failed: u64,
    /// How often everything was read.
    pub reloaded: u64,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            position: Mutex::new(None),
            wake: Notify::new(),
            listening: AtomicBool::new(false),
            applied: Counter::default(),
            failed: Counter::default(),
            reloaded: Counter::default(),
        }
    }
}

impl Feed {
    pub(crate) fn metrics(&self, read_at: Option<UnixTime>) -> FeedMetrics {
        FeedMetrics {
            read_at,
            listening: self.listening.load(Ordering::Relaxed),
            applied: self.applied.value(),
            failed: self.failed.value(),
            reloaded: self.reloaded.value(),
        }
    }
}

impl Replication {
    /// Learns what has changed since the last time, by whomever. The first time, and after missing changes that are no
    /// more kept, it reads everything. When it cannot, this replica goes on with what it knows, for `STALE_LIMIT`.
    pub async fn read_changes(&self) -> Result<()> {
        let mut position = self.feed.position.lock().await;
        // Nobody who sets the wall clock makes the memory younger.
        let began_at = self.core.clock.steady();
        let read = self.catch_up(&mut position).await;
        match &read {
            Ok(()) => {
                self.core.availability.set_read_at(began_at);
                self.note_success();
            }
            Err(error) => {
                self.feed.failed.inc();
                self.note_failure(error);
            }
        }
        read
    }

    /// Forgets changes that are older than `CHANGES_RETENTION`.
    pub async fn prune_changes(&self) -> Result<()> {
        let end = self
            .core
            .trusted_time()
            .await?
            .ago(self.core.config.feed.retention);
        while self.core.store.delete_changes(end, BATCH).await? == u64::from(BATCH) {}
        Ok(())
    }

    async fn catch_up(&self, position: &mut Option<ChangeId>) -> Result<()> {
        loop {
            let Some(after) = *position else {
                *position = Some(self.read_everything().await?);
                continue;
            };
            let Some(page) = self.core.store.list_changes(after, BATCH).await? else {
                tracing::warn!(
                    "changes were missed, and are no more kept: everything is read anew"
                );
                *position = None;
                continue;
            };
            self.apply(&page.changes).await?;
            self.feed.applied.add(page.changes.len() as u64);
            *position = Some(page.last);
            if page.is_end {
                return Ok(());
            }
        }
    }

    /// Forgets what may be wrong and reads what has to be known, up to the change that it answers, at least. The
    /// place is taken first: what changes during the reading comes after it, and is applied next.
    async fn read_everything(&self) -> Result<ChangeId> {
        let last = self.core.store.last_change().await?;
        self.tokens.reread_revocations().await?;
        self.keys.refresh().await?;
        self.read_certificate().await?;
        // Last, so that known clients are known until all the rest is read.
        self.cache.forget_all();
        self.feed.reloaded.inc();
        Ok(last)
    }

    async fn apply(&self, changes: &[Change]) -> Result<()> {
        if changes.contains(&Change::Revocation) {
            self.tokens.read_revocations().await?;
        }
        if changes.contains(&Change::SigningKey) {
            self.keys.refresh().await?;
        }
        if changes.contains(&Change::Certificate) {
            self.read_certificate().await?;
        }
        for id in changes.iter().filter_map(Change::client_id) {
            self.cache.forget(id);
        }
        Ok(())
    }

    async fn read_certificate(&self) -> Result<()> {
        match &self.acme {
            Some(acme) => acme.read().await,
            None => Ok(()),
        }
    }

    fn note_success(&self) {
        let before = self.core.readiness();
        if self.core.availability.set_readiness(Readiness::Ready) && before != Readiness::Starting {
            tracing::info!(
                "the database answers again: all changes are known, clients are served as usual"
            );
        }
    }

    /// A start that fails is told by whoever starts.
    fn note_failure(&self, error: &Error) {
        let Some(read_at) = self.core.changes_read_at() else {
            return;
        };
        let limit = self.core.config.feed.stale_limit;
        if self.core.clock.steady().since(read_at) <= limit {
            if self.core.availability.set_readiness(Readiness::Degraded) {
                tracing::warn!(
                    "changes cannot be read; clients in memory are served for {limit} s at most: {}",
                    error.reason()
                );
            }
        } else if self.core.availability.set_readiness(Readiness::Stale) {
            tracing::error!(
                "changes have not been read for {limit} s (STALE_LIMIT); clients are refused until they are: {}",
                error.reason()
            );
        }
    }
}
