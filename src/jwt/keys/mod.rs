//! The keys of this server.

pub(in crate::jwt) mod key_sealer;
pub(in crate::jwt) mod key_set;
pub(in crate::jwt) mod signing_key;
