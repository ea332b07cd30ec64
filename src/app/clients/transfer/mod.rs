//! Clients to and from files: import, apply, export.

pub mod apply;
pub(in crate::app) mod export;
pub(in crate::app) mod formats;
pub mod import;
mod plan;
pub(in crate::app) mod secrets;
mod write;
