//! Clients: register, find, change, delete, and their cache.

pub(in crate::app) mod cache;
pub(in crate::app) mod crud;
pub(in crate::app) mod diff;
pub mod transfer;
