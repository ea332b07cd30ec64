//! Tokens: issue, verify, introspect, revoke, explain.

pub(crate) mod claim_values;
pub(crate) mod exchange;
pub(crate) mod exchange_request;
pub(crate) mod explain;
pub(crate) mod explain_exchange;
pub(crate) mod inspect;
pub(crate) mod introspect;
pub(crate) mod issue;
pub(crate) mod lost_revocations;
pub(in crate::app::tokens) mod own_revocations;
pub(crate) mod protected_resources;
pub(crate) mod quota;
pub(crate) mod rejection;
pub(crate) mod request;
pub(crate) mod revocation_set;
pub(crate) mod revoke;
pub(crate) mod room;
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
use own_revocations::OwnRevocations;
use protected_resources::ProtectedResources;
use quota::Quotas;
use rejection::Rejections;
use revocation_set::RevocationSet;
use room::Room;
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
