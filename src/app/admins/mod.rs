//! Admins: who may use the portal, and how they prove it. Owns the rules of passwords, second factors and sessions; what
//! each role may do is decided where a request comes in, by the role that its session has.

mod accounts;
mod log_in;
mod passkey_challenge;
mod passkeys;
mod passwords;
mod second_factor;
mod sessions;
mod throttle;

pub use accounts::{NewAdmin, NewPassword};
pub use log_in::{AdminLogIn, StartedSession};
pub use second_factor::TotpEnrolment;
pub use sessions::{CurrentSession, SessionStep};

use crate::app::secrets::hashing_pool::WaitingRoom;
use crate::base::clock::Clock;
use crate::config::Config;
use crate::jwt::{KeyError, Sealer};
use throttle::AdminThrottle;
use webauthn_rs::Webauthn;

/// What is kept in memory of admins: nothing that says who they are.
pub(super) struct Admins {
    sealer: Sealer,
    throttle: AdminThrottle,
    /// `None`: where the portal is has no name that passkeys could be for.
    webauthn: Option<Webauthn>,
}

impl Admins {
    pub(super) fn new(
        config: &Config,
        clock: &Clock,
        waiting: WaitingRoom,
    ) -> Result<Self, KeyError> {
        let token = &config.token;
        let purpose = "admins' second factors, AES-256-GCM, v1";
        Ok(Self {
            sealer: Sealer::new(&token.secret, token.secret_previous.as_ref(), purpose)?,
            throttle: AdminThrottle::new(&config.admin, clock.clone(), waiting),
            webauthn: passkeys::relying_party(config),
        })
    }

    /// Passwords and codes that wait until others are decided.
    pub(super) fn waiting(&self) -> usize {
        self.throttle.waiting()
    }

    /// Passwords and codes that were refused for failures before them, by what was too much.
    pub(super) fn throttled(&self) -> Vec<(&'static str, u64)> {
        self.throttle.throttled().to_vec()
    }
}
