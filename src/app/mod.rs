//! The use cases: what the service can do, whoever asks. Owns the order of steps and what is kept in
//! memory between them. No HTTP, no SQL.

mod authenticate;
mod clients;
mod directory;
mod hash_forms;
mod hashing;
pub mod import;
mod proofs;
mod readiness;
mod revocations;
mod secret_hash;
mod secrets;
pub mod tasks;
mod throttle;
mod tokens;
mod verified;

use anyhow::Context;

pub use authenticate::Credentials;
pub use clients::NewClient;
pub use revocations::Revocations;
pub use secret_hash::{Memory, SecretHash};
pub use secrets::{AddedSecret, NewSecret};
pub use tokens::{TokenRequest, TokenRequirements};

use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use crate::token::KeySet;
use directory::Directory;
use hashing::Hashing;
use proofs::Proofs;
use throttle::Throttle;
use verified::VerifiedTokens;

/// The service, without the ways to reach it.
pub struct App {
    config: Config,
    clock: Clock,
    store: Store,
    keys: KeySet,
    hashing: Hashing,
    directory: Directory,
    proofs: Proofs,
    throttle: Throttle,
    verified: VerifiedTokens,
    revocations: Revocations,
    last_ping: readiness::LastPing,
}

impl App {
    /// Puts the parts together. Opens the database lazily and does not migrate it.
    pub fn open(config: Config, clock: Clock) -> anyhow::Result<Self> {
        anyhow::ensure!(
            crate::secret::randomness_works(),
            "the operating system gives no randomness"
        );
        let token = &config.token;
        let keys = KeySet::hs256(
            token.issuer.clone(),
            &token.secret,
            token.secret_previous.as_ref(),
        )?;
        let auth = &config.authentication;
        Ok(Self {
            store: Store::open(&config.database).context("DATABASE_URL")?,
            keys,
            hashing: Hashing::start(auth.hashing_threads, auth.hashing_queue)
                .context("cannot start the hashing threads")?,
            directory: Directory::new(auth.client_cache_size, auth.client_cache_ttl),
            proofs: Proofs::new(auth.proved_secrets),
            throttle: Throttle::new(auth),
            verified: VerifiedTokens::new(token.cache_size),
            revocations: Revocations::default(),
            last_ping: readiness::LastPing::default(),
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

    /// Its keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The revocations that bind.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }
}
