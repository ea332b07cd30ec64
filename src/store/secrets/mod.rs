//! `client_secrets`, `secret_ends`

pub(in crate::store) mod idle_expiry;
pub(in crate::store) mod write;
