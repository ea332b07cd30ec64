//! Secrets of clients.

pub(in crate::domain) mod client_secret;
pub(in crate::domain) mod idle_expiry;
pub(in crate::domain) mod retirement_advice;
pub(in crate::domain) mod strength;
