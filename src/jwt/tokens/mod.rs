//! Access tokens.

pub(in crate::jwt) mod issue;
pub(in crate::jwt) mod verify;
