//! The use cases: what the service can do, whoever asks. Each feature is a struct with the features that it needs; none
//! needs one that needs it. No HTTP, no SQL.

mod acme;
mod admins;
mod audit;
mod authentication;
pub mod background;
pub mod clients;
mod core;
mod issuers;
mod keys;
mod replication;
mod secrets;
mod status;
mod tokens;
mod usage;

use std::sync::Arc;

pub use self::core::availability::{Degradation, Readiness};
pub use self::core::clock_guard::{CLOCK_TOLERANCE, ClockDoubt};
pub use self::core::idempotency::{Idempotency, IdempotencyKey};
pub use self::core::single_use::SingleUse;
pub use self::core::{Core, open_store};
pub use crate::domain::NewClient;
pub use crate::outbound::dns::Dns;
pub(crate) use crate::outbound::health::ask as ask_health;
pub use crate::store::{
    AuditEnd, AuditFilter, AuditPage, ChainLink, ChainedEvent, ClientFilter, ClientOrder,
    ClientQuery, UsageOrder,
};
pub use acme::{Acme, CachedCertificate, CertificateStanding};
pub use admins::{
    AdminLogIn, Admins, CurrentSession, NewAdmin, NewPassword, SessionStep, StartedSession,
    TotpEnrolment,
};
pub use audit::export::{AuditFormat, AuditLine, AuditPiece};
pub use audit::log::AuditLog;
pub use audit::rejected_requests::RejectedRequests;
pub use audit::{Audit, AuditVerdict};
pub use authentication::peer_certificate::PeerCertificate;
pub use authentication::{
    AssertionExplanation, AssertionType, AuthenticatedClient, Authentication, ClientAuthentication,
    Credentials, ExplainedRule, ListedIdentity, PresentedAssertion, ProvenIdentity,
    check_client_authentication,
};
pub use clients::Clients;
pub use clients::crud::{ClientCount, ClientsList};
pub use clients::diff::FieldChange;
pub use clients::heavy_secrets::HeavySecrets;
pub use clients::transfer::export::ClientExport;
pub use core::error;
pub use issuers::{
    Aws, CheckedKey, GitHub, GitLab, Google, ImportedIssuer, Instructions, IssuerCheck,
    IssuerMetrics, IssuerStep, Issuers, IssuersDocument, Kubernetes, ListedIssuer, Preset,
    PresetPlan, RevokedAtIssuer, Spiffe, issuer_lines,
};
pub use keys::{KeyMetrics, KeyStatus, Keys, Rotation};
pub use replication::Replication;
pub use secrets::Secrets;
pub use secrets::crud::{AddedSecret, ChosenSecret, NewSecret};
pub use secrets::hash::{Memory, SecretHash};
pub use secrets::view::ListedSecret;
pub use status::metrics::Metrics;
pub use status::overview::{EndingKey, Overview};
pub use tokens::Tokens;
pub use tokens::claim_values::RequestedClaims;
pub use tokens::exchange::explain::{ExchangeExplanation, ExchangeQuestion, ExchangeSubject};
pub use tokens::explain::{ExplainedRejection, TokenExplanation};
pub use tokens::request::{
    ExchangeForm, ExchangeRequest, GrantRequest, TargetParameters, TokenRequest,
};
pub use tokens::sender_constraint::{PresentedProof, SenderProofs};
pub use tokens::verify::{TokenInspection, TokenRequirements};
pub use usage::Usage;
pub use usage::busiest_clients::{BusiestClients, ExcessSpan};
pub use usage::refreshing_cache::{COUNTING_PATIENCE, Counted};

use crate::base::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use background::Upkeep;
use clients::cache::ClientCache;
use replication::ThisReplica;
use replication::change_feed::Feed;
use replication::history::History;

/// The service, without the ways to reach it.
pub struct App {
    /// The settings, the clock and the database.
    pub core: Arc<Core>,
    /// The audit trail.
    pub audit: Arc<Audit>,
    /// What clients do.
    pub usage: Arc<Usage>,
    /// Secrets of clients.
    pub secrets: Arc<Secrets>,
    /// The signing keys.
    pub keys: Arc<Keys>,
    /// Access tokens.
    pub tokens: Arc<Tokens>,
    /// Whose tokens prove who a client is.
    pub issuers: Arc<Issuers>,
    /// The registered clients.
    pub clients: Clients,
    /// How clients prove who they are.
    pub authentication: Authentication,
    /// People at the portal.
    pub admins: Admins,
    /// The certificate, where an authority issues it.
    pub acme: Option<Arc<Acme>>,
    /// This replica among the others.
    pub replication: Replication,
    /// Values that may be used once.
    pub single_use: SingleUse,
    /// Requests that may be repeated.
    pub idempotency: Arc<Idempotency>,
    cache: Arc<ClientCache>,
    upkeep: Upkeep,
}

impl App {
    /// Puts the features together. Opens the database lazily, does not migrate it and reads nothing; key pairs come by
    /// [`Keys::start`], and all that binds by [`Replication::read_changes`].
    pub fn open(config: Config, clock: Clock) -> anyhow::Result<Self> {
        Self::open_with(config, clock, Dns::system())
    }

    /// [`open`](Self::open), where hosts have other addresses than the system says.
    pub fn open_with(config: Config, clock: Clock, dns: Dns) -> anyhow::Result<Self> {
        let core = Arc::new(Core::open(config, clock, dns)?);
        let cache_size = core.config.authentication.client_cache_size;
        let cache = Arc::new(ClientCache::new(cache_size));
        let single_use = SingleUse::new(&core);
        let idempotency = Arc::new(Idempotency::new(&core)?);
        let audit = Arc::new(Audit::new(&core));
        let usage = Arc::new(Usage::new(&core, &cache));
        let secrets = Arc::new(Secrets::open(&core, &cache, &idempotency)?);
        let keys = Arc::new(Keys::new(&core)?);
        let tokens = Tokens::new(&core, &keys, &cache, &single_use, &usage, &audit)?;
        let tokens = Arc::new(tokens);
        let issuers = Arc::new(Issuers::new(&core, &tokens));
        let replica = ThisReplica::new(&core.clock);
        let acme = Acme::open(&core, &audit, replica.id())?.map(Arc::new);
        Ok(Self {
            authentication: Authentication::open(
                &core,
                &cache,
                &secrets,
                &single_use,
                &usage,
                &issuers,
            )?,
            admins: Admins::new(&core, &secrets, &audit, &idempotency)?,
            clients: Clients {
                core: Arc::clone(&core),
                cache: Arc::clone(&cache),
                secrets: Arc::clone(&secrets),
                tokens: Arc::clone(&tokens),
                issuers: Arc::clone(&issuers),
                idempotency: Arc::clone(&idempotency),
                audit: Arc::clone(&audit),
            },
            replication: Replication {
                core: Arc::clone(&core),
                cache: Arc::clone(&cache),
                tokens: Arc::clone(&tokens),
                keys: Arc::clone(&keys),
                issuers: Arc::clone(&issuers),
                acme: acme.clone(),
                feed: Feed::default(),
                history: History::default(),
                replica,
            },
            core,
            audit,
            usage,
            secrets,
            keys,
            tokens,
            issuers,
            acme,
            single_use,
            idempotency,
            cache,
            upkeep: Upkeep::default(),
        })
    }

    /// The settings it runs under.
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// Its database: for opening, migrating and closing it. Rows are reached through use cases.
    pub fn store(&self) -> &Store {
        &self.core.store
    }

    /// The certificate's feature; an error where the certificate is in files.
    pub fn acme(&self) -> error::Result<&Arc<Acme>> {
        self.acme.as_ref().ok_or_else(|| {
            error::Error::invalid_request(
                "TLS_ACME_NAMES is not set: the certificate is in TLS_CERT and TLS_KEY",
            )
        })
    }
}
