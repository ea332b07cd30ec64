//! This replica among the others: the change feed, readiness, and the clock.

pub(crate) mod change_feed;
pub(crate) mod readiness;
pub(crate) mod replicas;

use std::sync::Arc;

use crate::app::acme::Acme;
use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::keys::Keys;
use crate::app::tokens::Tokens;
use change_feed::Feed;
use replicas::ThisReplica;

/// This replica among the others.
pub struct Replication {
    core: Arc<Core>,
    cache: Arc<ClientCache>,
    tokens: Arc<Tokens>,
    keys: Arc<Keys>,
    acme: Option<Arc<Acme>>,
    pub(crate) feed: Feed,
    replica: ThisReplica,
}

impl Replication {
    pub(crate) fn new(
        core: &Arc<Core>,
        cache: &Arc<ClientCache>,
        tokens: &Arc<Tokens>,
        keys: &Arc<Keys>,
        acme: Option<&Arc<Acme>>,
        replica: ThisReplica,
    ) -> Self {
        Self {
            core: Arc::clone(core),
            cache: Arc::clone(cache),
            tokens: Arc::clone(tokens),
            keys: Arc::clone(keys),
            acme: acme.map(Arc::clone),
            feed: Feed::default(),
            replica,
        }
    }
}
