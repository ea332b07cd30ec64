//! The tables `usage_hours`, `usage_totals`, `last_used`, `last_identity_use` and `secret_hours`.

pub(in crate::store) mod add;
pub(in crate::store) mod excess_tokens;
pub(in crate::store) mod read;
