//! Tokens: issue, verify, introspect, revoke, explain.

pub(in crate::app) mod explain;
pub(in crate::app) mod inspect;
pub(in crate::app) mod introspect;
pub(in crate::app) mod issue;
pub(in crate::app) mod quota;
pub(in crate::app) mod rejection;
pub(in crate::app) mod request;
pub(in crate::app) mod revocation_set;
pub(in crate::app) mod revoke;
pub(in crate::app) mod sender_constraint;
pub(in crate::app) mod verified_tokens;
pub(in crate::app) mod verify;

use std::sync::Arc;

use crate::app::audit::Audit;
use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::keys::Keys;
use crate::app::single_use::SingleUse;
use crate::app::usage::Usage;
use crate::base::metrics::Counter;
use crate::jwt::{DpopNonces, KeyError};
use quota::Quotas;
use rejection::Rejections;
use revocation_set::RevocationSet;
use verified_tokens::VerifiedTokens;

/// Access tokens.
pub struct Tokens {
    core: Arc<Core>,
    keys: Arc<Keys>,
    cache: Arc<ClientCache>,
    single_use: SingleUse,
    usage: Arc<Usage>,
    audit: Arc<Audit>,
    pub(in crate::app) verified: VerifiedTokens,
    pub(in crate::app) revocations: RevocationSet,
    dpop_nonces: DpopNonces,
    pub(in crate::app) quotas: Quotas,
    pub(in crate::app) issued: Counter,
    pub(in crate::app) rejections: Rejections,
}

impl Tokens {
    pub(in crate::app) fn new(
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
            dpop_nonces: DpopNonces::new(&config.secret, previous)?,
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
