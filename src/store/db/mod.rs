//! Connections, transactions, queries, migrations, metrics and errors of the database.

pub(in crate::store) mod backup;
pub(in crate::store) mod conn;
pub(in crate::store) mod connect;
pub(in crate::store) mod damage;
pub(in crate::store) mod database_time;
pub(in crate::store) mod error;
pub(in crate::store) mod fault;
pub(in crate::store) mod guard;
pub(in crate::store) mod metrics;
pub(in crate::store) mod migrations;
pub(in crate::store) mod query;
pub(in crate::store) mod sqlite;
mod suspicion;
