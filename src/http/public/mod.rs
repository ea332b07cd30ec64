//! One file for each public endpoint.

pub(in crate::http) mod authorization_page;
pub(in crate::http) mod authorize;
mod claim_headers;
mod client_form;
pub(in crate::http) mod home;
pub(super) mod introspect;
mod issue;
pub(super) mod jwks;
pub(super) mod metadata;
pub(in crate::http) mod protected_resource;
pub(super) mod revoke;
pub(super) mod token;
pub(in crate::http) mod verify;
