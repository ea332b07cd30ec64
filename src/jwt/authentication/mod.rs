//! JWTs of clients

pub(in crate::jwt) mod client_assertion;
pub(in crate::jwt) mod dpop_nonce;
pub(in crate::jwt) mod dpop_proof;
pub(in crate::jwt) mod judged_rule;
pub(in crate::jwt) mod platform_token;
#[cfg(test)]
pub(in crate::jwt) mod vectors;
