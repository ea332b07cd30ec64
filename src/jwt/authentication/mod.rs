//! JWTs of clients

pub(in crate::jwt) mod client_assertion;
pub(in crate::jwt) mod dpop_nonce;
pub(in crate::jwt) mod dpop_proof;
#[cfg(test)]
pub(in crate::jwt) mod vectors;
