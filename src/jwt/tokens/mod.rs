//! Access tokens.

pub(in crate::jwt) mod introspection_response;
pub(in crate::jwt) mod issue;
pub(in crate::jwt) mod verify;
