//! The pages of clients: list, create, one client, import and export.

mod calls;
pub(in crate::http) mod client;
pub(in crate::http) mod create;
pub(in crate::http) mod form;
pub(in crate::http) mod list;
pub(in crate::http) mod questions;
pub(in crate::http) mod transfer;
