//! Events of the audit trail, the chain that links them, and rejected requests. No SQL.

pub(crate) mod chain;
pub(in crate::domain) mod event;
pub(crate) mod keys;
pub(in crate::domain) mod origin;
pub(in crate::domain) mod rejected_request;
pub(crate) mod walk;
