//! Secrets of clients, and their hashes.

pub(crate) mod crud;
pub(crate) mod expiring;
pub(crate) mod hash;
pub(crate) mod hash_formats;
pub(crate) mod hashing_lanes;
pub(crate) mod idle_expiry;
pub(crate) mod verified_secrets;
pub(crate) mod verify;
pub(crate) mod view;

use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwapOption;
use tokio::sync::{Mutex, Semaphore};

use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::core::idempotency::Idempotency;
use expiring::LastSecrets;
use hashing_lanes::HashingLanes;
use verified_secrets::VerifiedSecrets;

/// Renewals of outdated hashes that are pending at once.
const MAX_RENEWALS: usize = 1_000;

/// Secrets of clients: adding, ending and verifying them.
pub struct Secrets {
    core: Arc<Core>,
    cache: Arc<ClientCache>,
    idempotency: Arc<Idempotency>,
    pub(crate) hashing: HashingLanes,
    pub(crate) verified: VerifiedSecrets,
    /// Clients by when their last secret ends, as they were last counted.
    pub(crate) expiring: ArcSwapOption<LastSecrets>,
    /// Renewals of hashes that may still be begun.
    renewals: Arc<Semaphore>,
    /// One renewal at a time.
    renewal: Mutex<()>,
}

impl Secrets {
    /// Starts the hashing threads.
    pub(crate) fn open(
        core: &Arc<Core>,
        cache: &Arc<ClientCache>,
        idempotency: &Arc<Idempotency>,
    ) -> anyhow::Result<Self> {
        let config = &core.config.authentication;
        Ok(Self {
            hashing: HashingLanes::start(config).context("cannot start the hashing threads")?,
            verified: VerifiedSecrets::new(config.proved_secrets, config.proved_networks),
            expiring: ArcSwapOption::empty(),
            renewals: Arc::new(Semaphore::new(MAX_RENEWALS)),
            renewal: Mutex::default(),
            core: Arc::clone(core),
            cache: Arc::clone(cache),
            idempotency: Arc::clone(idempotency),
        })
    }
}
