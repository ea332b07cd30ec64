//! What the service knows of itself in metrics: gathered from their owners when somebody asks, who is not in their way.

use crate::app::App;
use crate::app::acme::CertificateStanding;
use crate::app::audit::head::AuditHeadMetrics;
use crate::app::audit::log::AuditLog;
use crate::app::authentication::throttle::Throttled;
use crate::app::core::availability::Readiness;
use crate::app::core::lane::LaneMetrics;
use crate::app::core::waiting_room::WaitingMetrics;
use crate::app::issuers::IssuerMetrics;
use crate::app::keys::KeyMetrics;
use crate::app::replication::change_feed::FeedMetrics;
use crate::app::replication::history::HistoryMetrics;
use crate::app::secrets::expiring::LastSecrets;
use crate::base::clock::UnixTime;
use crate::base::metrics::CacheMetrics;
use crate::store::{CallMetrics, PoolMetrics};

/// Metrics of one moment. Those of what happened count from the start of the process.
#[derive(Debug)]
pub struct Metrics {
    /// What the service can do.
    pub readiness: Readiness,
    /// How often the service became degraded, by reason.
    pub degradations: Vec<(&'static str, u64)>,
    /// Whether a token can be issued and verified.
    pub self_test_passes: bool,
    /// Seconds by which this machine's clock is ahead of the database's.
    pub clock_difference: i64,
    /// Whether nothing is removed, rotated or ended by time, because the clock may be wrong.
    pub removal_is_held_back: bool,
    /// The memories, by name.
    pub caches: Vec<CacheMetrics>,
    /// The lanes of slow work: three of hashing, one of signing.
    pub lanes: [LaneMetrics; 4],
    /// The change feed.
    pub feed: FeedMetrics,
    /// What the database had lost.
    pub history: HistoryMetrics,
    /// The signing keys.
    pub keys: KeyMetrics,
    /// The keys of the trusted issuers.
    pub issuers: Vec<IssuerMetrics>,
    /// The certificate, where an authority issues it.
    pub acme: Option<CertificateStanding>,
    /// Clients by when their last secret ends; `None`: not counted yet.
    pub last_secrets: Option<LastSecrets>,
    /// Revocations in memory: of single tokens, and of all tokens of a client below a generation.
    pub revocations: (usize, usize),
    /// Clients whose tokens were all revoked for want of room for single revocations, by whose room it was.
    pub revocations_folded: [(&'static str, u64); 2],
    /// Tokens that were issued.
    pub tokens_issued: u64,
    /// Tokens that were refused, by reason.
    pub tokens_refused: Vec<(&'static str, u64)>,
    /// Logins by assertions whose `aud` is the token endpoint.
    pub token_endpoint_audiences: u64,
    /// Logins that were refused for failures before them.
    pub throttled: Throttled,
    /// Logins of clients and of admins that wait until others of their source are decided.
    pub logins_waiting: [WaitingMetrics; 2],
    /// The same of admins at the portal, by what was too much.
    pub admins_throttled: Vec<(&'static str, u64)>,
    /// Answers that warned a client of its quota, and requests that were refused for one.
    pub quotas: (u64, u64),
    /// Refused requests whose reasons were not kept.
    pub refusals_left_out: u64,
    /// Requests that were refused because the database is gone: at once, and for longer than `STALE_LIMIT`.
    pub refused_without_database: (u64, u64),
    /// The database connections.
    pub pools: Vec<PoolMetrics>,
    /// The calls of the database.
    pub calls: CallMetrics,
    /// The end of the audit trail.
    pub audit_head: AuditHeadMetrics,
    /// Events that could not be written to the log of events; `None`: there is no such log.
    pub audit_log_lost: Option<u64>,
    /// What is done by itself, and when it last succeeded.
    pub upkeep: Vec<(&'static str, Option<UnixTime>)>,
}

impl Metrics {
    /// The hashes of all lanes that were begun.
    pub fn hashes(&self) -> u64 {
        let [hashing @ .., _signing] = &self.lanes;
        hashing.iter().map(|lane| lane.waited.count()).sum()
    }
}

impl App {
    /// The metrics of this moment.
    pub fn metrics(&self) -> Metrics {
        let [generated, chosen, portal] = self.secrets.hashing.metrics();
        Metrics {
            readiness: self.core.readiness(),
            degradations: self.core.availability.degradations(),
            self_test_passes: self.keys.run_self_test().is_ok(),
            clock_difference: self.core.clock_difference(),
            removal_is_held_back: self.core.clock_guard.holds_back(),
            caches: vec![
                self.cache.metrics(),
                self.secrets.verified.metrics(),
                self.tokens.verified.metrics(),
                self.tokens.protected_resources.metrics(),
                self.authentication.throttle.metrics(),
                self.authentication.published_keys.metrics(),
                self.issuers.cache_metrics(),
                self.authentication.single_use.metrics(),
                self.admins.session_metrics(),
            ],
            lanes: [generated, chosen, portal, self.keys.signing_lane()],
            feed: self.replication.feed.metrics(self.core.changes_read_at()),
            history: self.replication.history.metrics(),
            keys: self.keys.metrics(),
            issuers: self.issuers.metrics(),
            acme: self.acme.as_ref().map(|acme| acme.standing()),
            last_secrets: self.secrets.expiring.load().as_deref().copied(),
            revocations: self.tokens.revocations.count(),
            revocations_folded: self.tokens.room.counts(),
            tokens_issued: self.tokens.issued.value(),
            tokens_refused: self.tokens.rejections.read(),
            token_endpoint_audiences: self.authentication.token_endpoint_audiences.value(),
            throttled: self.authentication.throttle.throttled(),
            logins_waiting: [
                self.authentication.throttle.waiting(),
                self.admins.waiting(),
            ],
            admins_throttled: self.admins.throttled(),
            quotas: self.tokens.quotas.counts(),
            refusals_left_out: self.audit.rejected_requests.left_out(),
            refused_without_database: self.core.availability.rejected(),
            pools: self.core.store.pools(),
            calls: self.core.store.calls(),
            audit_head: self.audit.watch.metrics(),
            audit_log_lost: self.audit.log.get().map(AuditLog::lost),
            upkeep: self.upkeep.read(),
        }
    }
}
