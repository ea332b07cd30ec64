//! The change feed: how this replica learns what others have changed, and how old what it knows may be. Owns the
//! place up to which changes were read; what is remembered of clients, revocations and keys is their owners'.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, Notify};

use crate::app::error::{Error, Result};
use crate::app::replication::Replication;
use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::domain::{Change, ChangeId};
use crate::store::{Standing, StoreError};

/// Rows of one statement: enough that a busy hour is read at once, few enough that none runs for long.
const BATCH: u32 = 10_000;

/// Where this replica stands in the feed.
#[derive(Default)]
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
        let mut read = self.follow(&mut position).await;
        if read.as_ref().is_err_and(has_stale_plan) {
            read = self.follow(&mut position).await;
        }
        match &read {
            Ok(standing) => {
                // Where the database is read-only, others may write to another server.
                if !standing.is_read_only || self.core.changes_read_at().is_none() {
                    self.core.availability.set_read_at(began_at);
                }
                self.note_success();
            }
            Err(error) => {
                self.feed.failed.inc();
                self.note_failure(error);
            }
        }
        read.map(drop)
    }

    /// Forgets changes that are older than `CHANGES_RETENTION`.
    pub async fn prune_changes(&self) -> Result<()> {
        let kept_for = self.core.config.feed.retention;
        let end = self.core.trusted_time().await?.ago(kept_for);
        while self.core.store.delete_changes(end, BATCH).await? == u64::from(BATCH) {}
        Ok(())
    }

    async fn follow(&self, position: &mut Option<ChangeId>) -> Result<Standing> {
        let standing = self.core.store.look().await?;
        let floor = standing.installation.generation;
        self.tokens.revocations.raise_floor(floor);
        self.check_history(&standing.installation, position).await?;
        self.catch_up(position).await?;
        self.write_back().await;
        Ok(standing)
    }

    async fn catch_up(&self, position: &mut Option<ChangeId>) -> Result<()> {
        loop {
            let Some(after) = *position else {
                *position = Some(self.read_everything().await?);
                continue;
            };
            let Some(page) = self.core.store.list_changes(after, BATCH).await? else {
                tracing::warn!(
                    "this replica missed changes that are already pruned: it reads everything again"
                );
                self.lose(position).await;
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
        self.issuers.refresh().await?;
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
        if changes.contains(&Change::Issuer) {
            self.issuers.refresh().await?;
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
}

/// Whether another connection, which the next call gets, succeeds.
fn has_stale_plan(error: &Error) -> bool {
    let cause = error.cause.as_ref();
    let cause = cause.and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(StoreError::StalePlan(_)))
}
