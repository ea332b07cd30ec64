//! People at the portal.

pub(in crate::domain) mod admin;
pub(in crate::domain) mod passkey;
