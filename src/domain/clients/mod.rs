//! What a client is.

pub(in crate::domain) mod client;
pub(in crate::domain) mod exchange_rules;
pub(in crate::domain) mod identifiers;
pub(in crate::domain) mod metadata;
pub(in crate::domain) mod version;
