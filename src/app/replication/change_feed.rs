//! The change feed: how this replica learns what others have changed, and how old what it knows may be. Owns the
//! place up to which changes were read; what is remembered of clients, revocations and keys is their owners'.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};

use tokio::sync::{Mutex, Notify};

use crate::app::App;
use crate::app::error::{Error, Result};
use crate::app::replication::readiness::Readiness;
use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::domain::{Change, ChangeId};
use crate::store::Store;

/// Rows of one statement: enough that a busy hour is read at once, few enough that none runs for long.
const BATCH: u32 = 10_000;

/// Where this replica stands in the feed.
pub(in crate::app) struct Feed {
    /// The last change that is heeded; `None`: all has to be read.
    position: Mutex<Option<ChangeId>>,
    /// When it was last read up to its end.
    read_at: AtomicI64,
    /// A [`Readiness`].
    readiness: AtomicU8,
    /// Somebody says that there is something to read.
    pub(in crate::app) woken: Notify,
    /// Whether the database says so by itself.
    pub(in crate::app) listening: AtomicBool,
    heeded: Counter,
    failed: Counter,
    reloaded: Counter,
    refused: Counter,
    pub(in crate::app) refused_stale: Counter,
}

/// What is known of the feed.
#[derive(Clone, Copy, Debug)]
pub struct FeedFigures {
    /// When changes were last read; `None`: not yet.
    pub read_at: Option<UnixTime>,
    /// Whether the database tells of changes.
    pub listening: bool,
    /// Changes that were heeded.
    pub heeded: u64,
    /// Readings that failed.
    pub failed: u64,
    /// How often everything was read.
    pub reloaded: u64,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            position: Mutex::new(None),
            read_at: AtomicI64::new(i64::MIN),
            readiness: AtomicU8::new(Readiness::Starting as u8),
            woken: Notify::new(),
            listening: AtomicBool::new(false),
            heeded: Counter::default(),
            failed: Counter::default(),
            reloaded: Counter::default(),
            refused: Counter::default(),
            refused_stale: Counter::default(),
        }
    }
}

impl Feed {
    /// What the last reading came to.
    pub(in crate::app) fn readiness(&self) -> Readiness {
        Readiness::from_u8(self.readiness.load(Ordering::Acquire))
    }

    pub(in crate::app) fn figures(&self) -> FeedFigures {
        FeedFigures {
            read_at: self.read_at(),
            listening: self.listening.load(Ordering::Relaxed),
            heeded: self.heeded.value(),
            failed: self.failed.value(),
            reloaded: self.reloaded.value(),
        }
    }

    /// Requests that were refused: while the database is gone, and because it is so for too long.
    pub(in crate::app) fn refused(&self) -> (u64, u64) {
        (self.refused.value(), self.refused_stale.value())
    }

    fn read_at(&self) -> Option<UnixTime> {
        let at = self.read_at.load(Ordering::Acquire);
        (at != i64::MIN).then_some(UnixTime(at))
    }

    /// Sets what holds from now on; whether it is another thing than before.
    fn set_readiness(&self, readiness: Readiness) -> bool {
        self.readiness.swap(readiness as u8, Ordering::AcqRel) != readiness as u8
    }
}

impl App {
    /// Learns what has changed since the last time, by whomever. The first time, and after missing changes that are no
    /// more kept, it reads everything. When it cannot, this replica goes on with what it knows, for `STALE_LIMIT`.
    pub async fn read_changes(&self) -> Result<()> {
        let mut position = self.feed.position.lock().await;
        // Nobody who sets the wall clock makes the memory younger.
        let began_at = self.clock.steady();
        let read = self.catch_up(&mut position).await;
        match &read {
            Ok(()) => {
                self.feed.read_at.store(began_at.0, Ordering::Release);
                self.note_success();
            }
            Err(error) => {
                self.feed.failed.count();
                self.note_failure(error);
            }
        }
        read
    }

    /// When the changes were last read; `None`: not yet. What was changed before is heeded.
    pub fn changes_read_at(&self) -> Option<UnixTime> {
        self.feed.read_at()
    }

    /// Forgets changes that are older than `CHANGES_RETENTION`.
    pub async fn prune_changes(&self) -> Result<()> {
        let end = self.trusted_time().await?.ago(self.config.feed.retention);
        while self.store.delete_changes(end, BATCH).await? == u64::from(BATCH) {}
        Ok(())
    }

    /// The database, for what a request needs of it: while it does not answer others, a request is refused at once
    /// instead of waiting in their line, and when it answers again it does not find all of them there.
    pub(in crate::app) fn database(&self) -> Result<&Store> {
        match self.readiness() {
            Readiness::Starting | Readiness::Ready => Ok(&self.store),
            Readiness::Degraded | Readiness::Stale => {
                self.feed.refused.count();
                Err(Error::temporarily_unavailable(
                    "the database does not answer; try again shortly",
                ))
            }
        }
    }

    async fn catch_up(&self, position: &mut Option<ChangeId>) -> Result<()> {
        loop {
            let Some(after) = *position else {
                *position = Some(self.read_everything().await?);
                continue;
            };
            let Some(page) = self.store.list_changes(after, BATCH).await? else {
                tracing::warn!(
                    "changes were missed, and are no more kept: everything is read anew"
                );
                *position = None;
                continue;
            };
            self.heed(&page.changes).await?;
            self.feed.heeded.add(page.changes.len() as u64);
            *position = Some(page.last);
            if page.is_end {
                return Ok(());
            }
        }
    }

    /// Forgets what may be wrong and reads what has to be known, up to the change that it answers, at least. The
    /// place is taken first: what changes during the reading comes after it, and is heeded next.
    async fn read_everything(&self) -> Result<ChangeId> {
        let last = self.store.last_change().await?;
        self.reread_revocations().await?;
        self.refresh_keys().await?;
        self.read_certificate().await?;
        // Last, so that known clients are known until all the rest is read.
        self.directory.forget_all();
        self.feed.reloaded.count();
        Ok(last)
    }

    async fn heed(&self, changes: &[Change]) -> Result<()> {
        if changes.contains(&Change::Revocation) {
            self.read_revocations().await?;
        }
        if changes.contains(&Change::SigningKey) {
            self.refresh_keys().await?;
        }
        if changes.contains(&Change::Certificate) {
            self.read_certificate().await?;
        }
        for id in changes.iter().filter_map(Change::client_id) {
            self.directory.forget(id);
        }
        Ok(())
    }

    fn note_success(&self) {
        let before = self.feed.readiness();
        if self.feed.set_readiness(Readiness::Ready) && before != Readiness::Starting {
            tracing::info!(
                "the database answers again: all changes are known, clients are served as usual"
            );
        }
    }

    /// A start that fails is told by whoever starts.
    fn note_failure(&self, error: &Error) {
        let Some(read_at) = self.changes_read_at() else {
            return;
        };
        let limit = self.config.feed.stale_limit;
        if self.clock.steady().since(read_at) <= limit {
            if self.feed.set_readiness(Readiness::Degraded) {
                tracing::warn!(
                    "changes cannot be read; clients in memory are served for {limit} s at most: {}",
                    error.reason()
                );
            }
        } else if self.feed.set_readiness(Readiness::Stale) {
            tracing::error!(
                "changes have not been read for {limit} s (STALE_LIMIT); clients are refused until they are: {}",
                error.reason()
            );
        }
    }
}
