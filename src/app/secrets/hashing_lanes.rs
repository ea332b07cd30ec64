//! Owns the lanes in which secrets are hashed, and which of them a hash belongs to. What a caller sends decides nothing: the
//! stored hash does, or for a hash that is made, the origin of its secret.

use std::io;

use crate::app::core::lane::{Lane, LaneMetrics, LaneSetup};
use crate::app::secrets::hash::{Memory, SecretHash};
use crate::app::secrets::hash_formats::HashWork;
use crate::config::{Argon2Work, AuthenticationConfig};
use crate::domain::{ClientSecret, SecretOrigin};

/// The lowest of the twenty steps below the usual priority: hashing takes what others leave.
const NICE: i32 = 19;

/// People log in seldom: one thread makes some dozens of their hashes a second.
const PORTAL_THREADS: usize = 1;

/// The lanes of hashing. argon2's memory is bounded by their threads.
pub(crate) struct HashingLanes {
    /// Secrets that the server made, or that count as such, with little work.
    generated: Lane<Memory>,
    /// Secrets that people chose, and all hashes of other programs.
    chosen: Lane<Memory>,
    /// Passwords of admins.
    pub(crate) portal: Lane<Memory>,
    generated_work: Argon2Work,
}

impl HashingLanes {
    pub(crate) fn start(config: &AuthenticationConfig) -> io::Result<Self> {
        let start = |name, threads| {
            Lane::start(LaneSetup {
                name,
                threads,
                queue: config.hashing_queue,
                nice: NICE,
                full: "too many logins at once; try again shortly",
            })
        };
        Ok(Self {
            generated: start("generated", config.hashing_threads)?,
            chosen: start("chosen", config.hashing_threads)?,
            portal: start("portal", PORTAL_THREADS)?,
            generated_work: config.argon2_generated,
        })
    }

    /// The lane of a hash that is made of a secret.
    pub(crate) fn of_new(&self, origin: SecretOrigin) -> &Lane<Memory> {
        match origin {
            SecretOrigin::Generated => &self.generated,
            SecretOrigin::Chosen => &self.chosen,
        }
    }

    /// The lane of a stored hash. A secret that the server made, or for which an operator vouched, has a cheap hash; one with
    /// more work than that was made under other settings, or was not made here, and is slow.
    pub(crate) fn of_stored(&self, secret: &ClientSecret, hash: &SecretHash) -> &Lane<Memory> {
        match hash.work() {
            HashWork::Argon2(work) if work.is_within(self.generated_work) && secret.vouched => {
                &self.generated
            }
            HashWork::Argon2(work) if work.is_within(self.generated_work) => {
                self.of_new(secret.origin)
            }
            HashWork::Argon2(_)
            | HashWork::Scrypt { .. }
            | HashWork::Pbkdf2 { .. }
            | HashWork::Bcrypt { .. } => &self.chosen,
        }
    }

    pub(crate) fn metrics(&self) -> [LaneMetrics; 3] {
        [&self.generated, &self.chosen, &self.portal].map(Lane::metrics)
    }
}
