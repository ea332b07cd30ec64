//! Clients: register, find, change, delete, and their cache.

pub(in crate::app) mod cache;
pub(in crate::app) mod crud;
pub(in crate::app) mod diff;
pub mod transfer;

use std::sync::Arc;

use crate::app::audit::Audit;
use crate::app::core::Core;
use crate::app::idempotency::Idempotency;
use crate::app::secrets::Secrets;
use crate::app::tokens::Tokens;
use cache::ClientCache;

/// The registered clients.
pub struct Clients {
    core: Arc<Core>,
    cache: Arc<ClientCache>,
    secrets: Arc<Secrets>,
    tokens: Arc<Tokens>,
    idempotency: Arc<Idempotency>,
    audit: Arc<Audit>,
}

impl Clients {
    pub(in crate::app) fn new(
        core: &Arc<Core>,
        cache: &Arc<ClientCache>,
        secrets: &Arc<Secrets>,
        tokens: &Arc<Tokens>,
        idempotency: &Arc<Idempotency>,
        audit: &Arc<Audit>,
    ) -> Self {
        Self {
            core: Arc::clone(core),
            cache: Arc::clone(cache),
            secrets: Arc::clone(secrets),
            tokens: Arc::clone(tokens),
            idempotency: Arc::clone(idempotency),
            audit: Arc::clone(audit),
        }
    }
}
