//! The tables `audit_events`, `audit_head` and `rejected_requests`.

pub(in crate::store) mod append;
pub(in crate::store) mod head;
pub(in crate::store) mod head_row;
pub(in crate::store) mod listener;
pub(in crate::store) mod read;
pub(in crate::store) mod rejected_requests;
