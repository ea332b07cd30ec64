//! `/clients/{id}/usage`, `/usage` and `/overview` of the admin API.

pub(in crate::http) mod client;
pub(in crate::http) mod overview;
pub(in crate::http) mod totals;
