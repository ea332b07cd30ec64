//! Secrets of clients, and their hashes.

pub(in crate::app) mod crud;
pub(in crate::app) mod expiring;
pub(in crate::app) mod hash;
pub(in crate::app) mod hash_formats;
pub(in crate::app) mod hashing_pool;
pub(in crate::app) mod idle_expiry;
pub(in crate::app) mod verified_secrets;
pub(in crate::app) mod verify;

use std::sync::Arc;

use anyhow::Context;

use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::idempotency::Idempotency;
use expiring::Expiring;
use hashing_pool::Hashing;
use verified_secrets::VerifiedSecrets;

/// Secrets of clients: adding, ending and verifying them.
pub struct Secrets {
    core: Arc<Core>,
    cache: Arc<ClientCache>,
    idempotency: Arc<Idempotency>,
    pub(in crate::app) hashing: Hashing,
    pub(in crate::app) verified: VerifiedSecrets,
    pub(in crate::app) expiring: Expiring,
}

impl Secrets {
    /// Starts the hashing threads.
    pub(in crate::app) fn open(
        core: &Arc<Core>,
        cache: &Arc<ClientCache>,
        idempotency: &Arc<Idempotency>,
    ) -> anyhow::Result<Self> {
        let config = &core.config.authentication;
        Ok(Self {
            hashing: Hashing::start(config.hashing_threads, config.hashing_queue)
                .context("cannot start the hashing threads")?,
            verified: VerifiedSecrets::new(config.proved_secrets, config.proved_networks),
            expiring: Expiring::default(),
            core: Arc::clone(core),
            cache: Arc::clone(cache),
            idempotency: Arc::clone(idempotency),
        })
    }
}
