//! Connections, migrations, metrics and errors of the database.

pub(in crate::store) mod connect;
pub(in crate::store) mod database_time;
pub(in crate::store) mod error;
pub(in crate::store) mod metrics;
pub(in crate::store) mod migrations;
pub(in crate::store) mod warnings;
