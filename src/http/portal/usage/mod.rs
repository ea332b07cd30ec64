//! The dashboard, and the page of excess tokens.

pub(in crate::http) mod clock;
pub(in crate::http) mod dashboard;
pub(in crate::http) mod excess_tokens;
mod metrics;
