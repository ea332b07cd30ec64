//! The commands that open, migrate, back up and restore the database.

pub(in crate::cli) mod backup;
pub(in crate::cli) mod migrate;
pub(in crate::cli) mod open;
pub(in crate::cli) mod restore;
