//! Tokens: issue, verify, introspect, revoke, explain.

pub(crate) mod claim_values;
pub(crate) mod exchange;
pub(crate) mod explain;
pub(crate) mod introspect;
pub(crate) mod issue;
pub(crate) mod protected_resources;
pub(crate) mod quota;
pub(crate) mod rejection;
pub(crate) mod request;
pub(crate) mod revoke;
pub(crate) mod sender_constraint;
pub(crate) mod verified_tokens;
pub(crate) mod verify;

use std::sync::Arc;

use crate::app::audit::Audit;
use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::core::single_use::SingleUse;
use crate::app::keys::Keys;
use crate::app::usage::Usage;
use crate::base::metrics::Counter;
use crate::jwt::{DpopNonces, KeyError};
use protected_resources::ProtectedResources;
use quota::Quotas;
use rejection::Rejections;
use revoke::own_revocations::OwnRevocations;
use revoke::revocation_set::RevocationSet;
use revoke::room::Room;
use verified_tokens::VerifiedTokens;

/// Access tokens.
pub struct Tokens {
    core: Arc<Core>,
    keys: Arc<Keys>,
    cache: Arc<ClientCache>,
    single_use: SingleUse,
    usage: Arc<Usage>,
    audit: Arc<Audit>,
    pub(crate) verified: VerifiedTokens,
    pub(crate) revocations: RevocationSet,
    own_revocations: OwnRevocations,
    pub(crate) room: Room,
    dpop_nonces: DpopNonces,
    pub(crate) protected_resources: ProtectedResources,
    pub(crate) quotas: Quotas,
    pub(crate) issued: Counter,
    pub(crate) rejections: Rejections,
}

impl Tokens {
    pub(crate) fn new(
        core: &Arc<Core>,
        keys: &Arc<Keys>,
        cache: &Arc<ClientCache>,
        single_use: &SingleUse,
        usage: &Arc<Usage>,
        audit: &Arc<Audit>,
    ) -> Result<Self, KeyError> {
        let config = &core.config.token;
        let previous = config.secret_previous.as_ref();
        Ok(Self {
            verified: VerifiedTokens::new(config.cache_size),
            revocations: RevocationSet::default(),
            own_revocations: OwnRevocations::default(),
            room: Room::default(),
            dpop_nonces: DpopNonces::new(&config.secret, previous)?,
            protected_resources: ProtectedResources::default(),
            quotas: Quotas::default(),
            issued: Counter::default(),
            rejections: Rejections::default(),
            core: Arc::clone(core),
            keys: Arc::clone(keys),
            cache: Arc::clone(cache),
            single_use: single_use.clone(),
            usage: Arc::clone(usage),
            audit: Arc::clone(audit),
        })
    }

    /// The revocations that bind.
    pub fn revocations(&self) -> &RevocationSet {
        &self.revocations
    }
}
