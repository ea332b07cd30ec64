//! The tables `admins`, `admin_networks`, `admin_passkeys`, `admin_recovery_codes` and `admin_sessions`.

pub(in crate::store) mod accounts;
pub(in crate::store) mod networks;
pub(in crate::store) mod passkeys;
mod recovery_codes;
pub(in crate::store) mod row;
pub(in crate::store) mod sessions;
