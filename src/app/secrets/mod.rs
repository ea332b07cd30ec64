//! Secrets of clients, and their hashes.

pub(in crate::app) mod crud;
pub(in crate::app) mod expiring;
pub(in crate::app) mod hash;
pub(in crate::app) mod hash_formats;
pub(in crate::app) mod hashing_pool;
pub(in crate::app) mod idle_expiry;
pub(in crate::app) mod verified_secrets;
