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
use crate::app::secrets::Secrets;
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
    pub(crate) throttle: AdminThrottle,
    pub(crate) known_sessions: KnownSessions,
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
}
