//! who may see a page

pub(in crate::http) mod form;
pub(in crate::http) mod guard;
pub(in crate::http) mod session;
