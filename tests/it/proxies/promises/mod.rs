//! What every proxy must keep, whatever its language of configuration.

pub(super) mod certificates;
pub(super) mod claims;
pub(super) mod dpop;
pub(super) mod heads;
pub(super) mod hostile;
pub(super) mod identity;
pub(super) mod refusals;
pub(super) mod stolen;
pub(super) mod token_server;
