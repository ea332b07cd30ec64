//! The dashboard, the page of excess tokens, and the charts of usage.

pub(in crate::http) mod charts;
pub(in crate::http) mod clock;
pub(in crate::http) mod dashboard;
pub(in crate::http) mod excess_tokens;
mod figures;
