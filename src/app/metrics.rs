//! What the service knows of itself in figures: gathered from their owners when somebody asks, who is not in their way.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::app::App;
use crate::app::acme::{Acme, AcmeFigures};
use crate::app::audit::head::AuditHeadFigures;
use crate::app::authentication::throttle::Throttled;
use crate::app::keys::KeyFigures;
use crate::app::replication::change_feed::FeedFigures;
use crate::app::replication::readiness::Readiness;
use crate::app::secrets::expiring::LastSecrets;
use crate::app::secrets::hashing_pool::HashingFigures;
use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::store::{CallFigures, PoolFigures};

/// Figures of one moment. Those of what happened count from the start of the process.
#[derive(Debug)]
pub struct Figures {
    /// What the service can do.
    pub readiness: Readiness,
    /// Whether a token can be issued and verified.
    pub canary_is_well: bool,
    /// Seconds by which this machine's clock is ahead of the database's.
    pub clock_difference: i64,
    /// Whether nothing is removed, rotated or ended by time, because the clock may be wrong.
    pub removal_is_held_back: bool,
    /// The memories, by name.
    pub caches: Vec<CacheFigures>,
    /// The hashing threads and their queue.
    pub hashing: HashingFigures,
    /// The change feed.
    pub feed: FeedFigures,
    /// The signing keys.
    pub keys: KeyFigures,
    /// The certificate, where an authority issues it.
    pub acme: Option<AcmeFigures>,
    /// Clients by when their last secret ends; `None`: not counted yet.
    pub last_secrets: Option<LastSecrets>,
    /// Revocations that are heeded: of tokens, and of all tokens of a client.
    pub revocations: (usize, usize),
    /// Tokens that were issued.
    pub tokens_issued: u64,
    /// Tokens that were refused, by reason.
    pub tokens_refused: Vec<(&'static str, u64)>,
    /// Logins that were refused for failures before them.
    pub throttled: Throttled,
    /// Logins of clients and of admins that wait until others of their source are decided.
    pub logins_waiting: [(&'static str, usize); 2],
    /// The same of admins at the portal, by what was too much.
    pub admins_throttled: Vec<(&'static str, u64)>,
    /// Answers that warned a client of its quota, and requests that were refused for one.
    pub quotas: (u64, u64),
    /// Refused requests whose reasons were not kept.
    pub refusals_left_out: u64,
    /// Requests that were refused because the database is gone: at once, and for longer than `STALE_LIMIT`.
    pub refused_without_database: (u64, u64),
    /// The database connections.
    pub pools: [PoolFigures; 2],
    /// The calls of the database.
    pub calls: CallFigures,
    /// The end of the audit trail.
    pub audit_head: AuditHeadFigures,
    /// What is done by itself, and when it last succeeded.
    pub upkeep: Vec<(&'static str, Option<UnixTime>)>,
}

/// One memory.
#[derive(Clone, Copy, Debug)]
pub struct CacheFigures {
    /// What is in it.
    pub name: &'static str,
    /// How many.
    pub entries: u64,
    /// About how many bytes they take, where that is what is bounded.
    pub bytes: Option<u64>,
    /// The bound: of the bytes, else of the entries.
    pub limit: u64,
    /// How often something was found there, and how often not; `None` where that says nothing.
    pub asked: Option<(u64, u64)>,
}

/// How often something was found in a memory.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
}

impl Asked {
    pub(super) fn read(&self) -> (u64, u64) {
        (self.hits.value(), self.misses.value())
    }
}

/// What the service does by itself, and when each last succeeded.
#[derive(Debug)]
pub(super) struct Upkeep([AtomicI64; Upkeep::NAMES.len()]);

/// One thing that the service does by itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// Removing what has ended.
    Prune,
    /// Looking after the signing keys.
    RotateKeys,
    /// Counting whose secret ends soon.
    CountSecrets,
    /// Writing what was counted of clients.
    WriteUsage,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self(Self::NAMES.map(|_| AtomicI64::new(i64::MIN)))
    }
}

impl Upkeep {
    /// By number of the task.
    const NAMES: [&'static str; 4] = ["prune", "rotate_keys", "count_secrets", "write_usage"];

    pub(super) fn succeeded(&self, task: Task, now: UnixTime) {
        self.0[task as usize].store(now.0, Ordering::Relaxed);
    }

    fn read(&self) -> Vec<(&'static str, Option<UnixTime>)> {
        let read = |at: &AtomicI64| Some(at.load(Ordering::Relaxed)).filter(|at| *at != i64::MIN);
        let tasks = Self::NAMES.into_iter().zip(&self.0);
        tasks
            .map(|(name, at)| (name, read(at).map(UnixTime)))
            .collect()
    }
}

impl App {
    /// The figures of this moment.
    pub fn figures(&self) -> Figures {
        Figures {
            readiness: self.readiness(),
            canary_is_well: self.check_canary().is_ok(),
            clock_difference: self.clock_guard.difference(),
            removal_is_held_back: self.clock_guard.holds_back(),
            caches: vec![
                self.directory.figures(),
                self.proofs.figures(),
                self.verified.figures(),
                self.throttle.figures(),
                self.published_keys.figures(),
            ],
            hashing: self.hashing.figures(),
            feed: self.feed.figures(),
            keys: self.keys.figures(),
            acme: self.acme.as_ref().map(Acme::figures),
            last_secrets: self.expiring.read(),
            revocations: self.revocations.count(),
            tokens_issued: self.tokens_issued.value(),
            tokens_refused: self.refused_tokens.read(),
            throttled: self.throttle.throttled(),
            logins_waiting: [
                ("clients", self.throttle.waiting()),
                ("admins", self.admins.waiting()),
            ],
            admins_throttled: self.admins.throttled(),
            quotas: self.quotas.counts(),
            refusals_left_out: self.refusals.left_out(),
            refused_without_database: self.feed.refused(),
            pools: self.store.pools(),
            calls: self.store.calls(),
            audit_head: self.audit_watch.figures(),
            upkeep: self.upkeep.read(),
        }
    }
}
