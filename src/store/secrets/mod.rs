//! The tables `client_secrets` and `idle_expiries`.

pub(in crate::store) mod expiring;
pub(in crate::store) mod write;
