//! What every proxy must keep, whatever its language of configuration.

pub(super) mod identity;
pub(super) mod refusals;
pub(super) mod token_server;
