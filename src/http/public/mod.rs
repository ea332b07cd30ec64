//! OAuth 2.0 by the letter: the endpoints that libraries know, and the document by which they find them.

pub(in crate::http) mod authorize;
mod client_form;
pub(in crate::http) mod home;
pub(super) mod introspect;
pub(super) mod jwks;
pub(super) mod metadata;
pub(super) mod revoke;
pub(super) mod token;
pub(in crate::http) mod verify;
