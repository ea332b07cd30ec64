//! Clients: register, find, change, delete, and their cache.

pub(in crate::app) mod cache;
pub(in crate::app) mod crud;
pub(in crate::app) mod diff;
pub(in crate::app) mod heavy_secrets;
mod identities;
pub(crate) mod spec;
pub mod transfer;

use std::sync::Arc;

use crate::app::audit::Audit;
use crate::app::core::Core;
use crate::app::core::idempotency::Idempotency;
use crate::app::issuers::Issuers;
use crate::app::secrets::Secrets;
use crate::app::tokens::Tokens;
use cache::ClientCache;

/// The registered clients.
pub struct Clients {
    pub(super) core: Arc<Core>,
    pub(super) cache: Arc<ClientCache>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) issuers: Arc<Issuers>,
    pub(super) idempotency: Arc<Idempotency>,
    pub(super) audit: Arc<Audit>,
}
