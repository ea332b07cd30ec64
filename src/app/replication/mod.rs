//! This replica among the others: the change feed, readiness, and the clock.

pub(crate) mod change_feed;
mod condition;
pub(crate) mod history;
pub(crate) mod readiness;
pub(crate) mod replicas;
mod restore;

use std::sync::Arc;

use crate::app::acme::Acme;
use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::issuers::Issuers;
use crate::app::keys::Keys;
use crate::app::tokens::Tokens;
use change_feed::Feed;
use history::History;
use replicas::ThisReplica;

/// This replica among the others.
pub struct Replication {
    pub(super) core: Arc<Core>,
    pub(super) cache: Arc<ClientCache>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) keys: Arc<Keys>,
    pub(super) issuers: Arc<Issuers>,
    pub(super) acme: Option<Arc<Acme>>,
    pub(super) feed: Feed,
    pub(super) history: History,
    pub(super) replica: ThisReplica,
}
