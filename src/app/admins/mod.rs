//! Admins: who may use the portal, and how they prove it. Owns the rules of passwords, second factors and sessions; what
//! each role may do is decided where a request comes in, by the role that its session has.

mod accounts;
mod log_in;
mod passkeys;
mod passwords;
mod recovery_codes;
mod second_factor;
mod sessions;
mod throttle;

pub use accounts::{NewAdmin, NewPassword};
pub use log_in::{AdminLogIn, StartedSession};
pub use second_factor::TotpEnrolment;
pub use sessions::{CurrentSession, SessionStep};

use std::sync::Arc;

use crate::app::audit::Audit;
use crate::app::core::Core;
use crate::app::core::idempotency::Idempotency;
use crate::app::core::waiting_room::WaitingMetrics;
use crate::app::secrets::Secrets;
use crate::base::metrics::CacheMetrics;
use crate::jwt::{KeyError, Sealer};
use passkeys::RelyingParty;
use sessions::KnownSessions;
use throttle::AdminThrottle;

/// People at the portal.
pub struct Admins {
    core: Arc<Core>,
    secrets: Arc<Secrets>,
    audit: Arc<Audit>,
    idempotency: Arc<Idempotency>,
    sealer: Sealer,
    throttle: AdminThrottle,
    known_sessions: KnownSessions,
    /// `None`: this build has no passkeys, or where the portal is has no name that they could be for.
    relying_party: Option<RelyingParty>,
}

impl Admins {
    pub(crate) fn new(
        core: &Arc<Core>,
        secrets: &Arc<Secrets>,
        audit: &Arc<Audit>,
        idempotency: &Arc<Idempotency>,
    ) -> Result<Self, KeyError> {
        let config = &core.config;
        let seats = config.authentication.hashing_queue;
        let token = &config.token;
        let purpose = "admins' second factors, AES-256-GCM, v1";
        Ok(Self {
            sealer: Sealer::new(&token.secret, token.secret_previous.as_ref(), purpose)?,
            throttle: AdminThrottle::new(&config.admin, core.clock.clone(), seats),
            known_sessions: KnownSessions::new(),
            relying_party: RelyingParty::of(config),
            core: Arc::clone(core),
            secrets: Arc::clone(secrets),
            audit: Arc::clone(audit),
            idempotency: Arc::clone(idempotency),
        })
    }

    /// Passwords and codes that wait until others are decided.
    pub(crate) fn waiting(&self) -> WaitingMetrics {
        self.throttle.waiting()
    }

    /// Sessions that are known here.
    pub(crate) fn session_metrics(&self) -> CacheMetrics {
        self.known_sessions.metrics()
    }

    /// Passwords, codes and cookies that were refused for failures before them, by what was too much.
    pub(crate) fn throttled(&self) -> Vec<(&'static str, u64)> {
        self.throttle.throttled()
    }
}
