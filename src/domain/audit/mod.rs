//! events, their chain, rejected requests

pub(crate) mod chain;
pub(in crate::domain) mod event;
pub(crate) mod keys;
pub(in crate::domain) mod rejected_request;
pub(crate) mod walk;
