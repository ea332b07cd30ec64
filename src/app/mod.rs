//! The use cases: what the service can do, whoever asks. Owns the order of steps and what is kept in
//! memory between them. No HTTP, no SQL.

mod acme;
mod admins;
mod audit;
mod authentication;
pub mod background;
pub mod clients;
pub mod error;
mod idempotency;
mod keys;
mod metrics;
mod replication;
mod secrets;
mod tokens;
mod usage;

use std::sync::Arc;

use anyhow::Context;

pub use crate::store::{
    AuditEnd, AuditFilter, AuditPage, ChainLink, ChainedEvent, ClientFilter, ClientsOrder,
    ClientsPart, UsageOrder,
};
pub use acme::{AcmeFigures, CertificateStanding, KeptCertificate};
pub use admins::{
    AdminLogIn, CurrentSession, NewAdmin, NewPassword, SessionStep, StartedSession, TotpEnrolment,
};
pub use audit::AuditVerdict;
pub use audit::export::{AuditFormat, AuditPiece};
pub use audit::head::{AuditHeadFigures, UnverifiedTrail};
pub use audit::line::AuditLine;
pub use audit::rejected_requests::Refusals;
use authentication::WrongNetworks;
pub use authentication::peer_certificate::PeerCertificate;
pub use authentication::throttle::Throttled;
pub use authentication::{
    AuthenticatedClient, ClientAuthentication, Credentials, PresentedAssertion,
};
pub use clients::crud::{ClientsList, NewClient};
pub use clients::diff::FieldChange;
pub use clients::transfer::export::ClientExport;
pub use idempotency::Once;
pub use keys::{KeyFigures, KeyStatus, Rotation};
pub use metrics::{CacheFigures, Figures};
pub use replication::change_feed::FeedFigures;
pub use replication::readiness::Readiness;
pub use secrets::crud::{AddedSecret, ChosenSecret, NewSecret};
pub use secrets::expiring::LastSecrets;
pub use secrets::hash::{Memory, SecretHash};
pub use secrets::hashing_pool::HashingFigures;
pub use tokens::explain::{ExplainedRefusal, TokenExplanation};
pub use tokens::inspect::TokenInspection;
pub use tokens::issue::{TokenRequest, TokenRequirements};
pub use tokens::revocation_set::Revocations;
pub use tokens::sender_constraint::{PresentedProof, SenderProofs};
pub use usage::overview::{EndingKey, Overview};
pub use usage::refreshing_cache::Counted;
pub use usage::top_clients::{TopClients, WasteSpan};

use crate::base::clock::Clock;
use crate::base::metrics::Counter;
use crate::config::Config;
use crate::jwt::{DpopNonces, Sealer};
use crate::store::{AuditKeys, Store};
use acme::Acme;
use admins::Admins;
use audit::head::AuditWatch;
use authentication::client_ca::ClientCa;
use authentication::jwks_cache::PublishedKeys;
use authentication::throttle::Throttle;
use clients::cache::Directory;
use keys::Keys;
use keys::self_test::Canary;
use metrics::Upkeep;
use replication::change_feed::Feed;
use replication::clock_guard::ClockGuard;
use replication::replicas::ThisReplica;
use secrets::expiring::Expiring;
use secrets::hashing_pool::Hashing;
use secrets::verified_secrets::Proofs;
use tokens::quota::Quotas;
use tokens::rejection::RefusedTokens;
use tokens::verified_tokens::VerifiedTokens;
use usage::Usage;
use usage::top_clients::Rankings;

/// The service, without the ways to reach it.
pub struct App {
    config: Config,
    clock: Clock,
    store: Store,
    keys: Keys,
    hashing: Hashing,
    directory: Directory,
    proofs: Proofs,
    throttle: Throttle,
    wrong_networks: WrongNetworks,
    verified: VerifiedTokens,
    client_ca: ClientCa,
    published_keys: PublishedKeys,
    dpop_nonces: DpopNonces,
    revocations: Revocations,
    feed: Feed,
    canary: Canary,
    clock_guard: ClockGuard,
    usage: Usage,
    quotas: Quotas,
    rankings: Rankings,
    replica: ThisReplica,
    acme: Option<Acme>,
    admins: Admins,
    expiring: Expiring,
    upkeep: Upkeep,
    audit_watch: AuditWatch,
    tokens_issued: Counter,
    refused_tokens: RefusedTokens,
    refusals: Arc<Refusals>,
    answers: Sealer,
}

impl App {
    /// Puts the parts together. Opens the database lazily, does not migrate it and reads nothing; key pairs come by
    /// [`start_keys`](Self::start_keys), and all that binds by [`read_changes`](Self::read_changes).
    pub fn open(config: Config, clock: Clock) -> anyhow::Result<Self> {
        anyhow::ensure!(
            crate::base::secret::randomness_works(),
            "the operating system gives no randomness"
        );
        let auth = &config.authentication;
        let (client_ca, published_keys) = open_client_authentication(&config)?;
        let hashing = Hashing::start(auth.hashing_threads, auth.hashing_queue)
            .context("cannot start the hashing threads")?;
        Ok(Self {
            store: open_store(&config)?,
            keys: Keys::new(&config)?,
            directory: Directory::new(auth.client_cache_size),
            proofs: Proofs::new(auth.proved_secrets, auth.proved_networks),
            throttle: Throttle::new(auth, clock.clone(), hashing.waiting_room()),
            wrong_networks: WrongNetworks::default(),
            verified: VerifiedTokens::new(config.token.cache_size),
            client_ca,
            published_keys,
            dpop_nonces: DpopNonces::new(
                &config.token.secret,
                config.token.secret_previous.as_ref(),
            )?,
            revocations: Revocations::default(),
            feed: Feed::default(),
            canary: Canary::new()?,
            clock_guard: ClockGuard::default(),
            usage: Usage::new(),
            quotas: Quotas::default(),
            rankings: Rankings::default(),
            replica: ThisReplica::new(&clock),
            acme: Acme::open(&config)?,
            admins: Admins::new(&config, &clock, hashing.waiting_room())?,
            hashing,
            expiring: Expiring::default(),
            upkeep: Upkeep::default(),
            audit_watch: AuditWatch::default(),
            tokens_issued: Counter::default(),
            refused_tokens: RefusedTokens::default(),
            refusals: Arc::new(Refusals::new(clock.clone())),
            answers: idempotency::sealer(&config)?,
            clock,
            config,
        })
    }

    /// The settings it runs under.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its database: for opening, migrating and closing it. Rows are reached through use cases.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The revocations that bind.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }
}

/// Reads the files that client authentication needs, as opening the service does, and fails as it would.
pub fn check_client_authentication(config: &Config) -> anyhow::Result<()> {
    open_client_authentication(config).map(drop)
}

/// Opens the database that the settings name, lazily.
pub fn open_store(config: &Config) -> anyhow::Result<Store> {
    let token = &config.token;
    let keys = AuditKeys::new(&token.secret, token.secret_previous.as_ref())
        .context("cannot derive the keys of the audit trail")?;
    Store::open(&config.database, keys).context("DATABASE_URL")
}

fn open_client_authentication(config: &Config) -> anyhow::Result<(ClientCa, PublishedKeys)> {
    let config = &config.client_authentication;
    Ok((
        ClientCa::open(config.client_ca.clone())?,
        PublishedKeys::new(&config.jwks_uri)?,
    ))
}
