//! The tables `clients` and `client_scopes`.

pub(in crate::store) mod bulk_write;
pub(in crate::store) mod find;
pub(in crate::store) mod list;
pub(in crate::store) mod record;
pub(in crate::store) mod row;
pub(in crate::store) mod search;
pub(in crate::store) mod status;
pub(in crate::store) mod write;
