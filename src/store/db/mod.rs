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
pub(in crate::store) mod pool;
pub(in crate::store) mod query;
pub(in crate::store) mod reach;
pub(in crate::store) mod row;
pub(in crate::store) mod sqlite;
pub(in crate::store) mod statement;
mod suspicion;
pub(in crate::store) mod table_row;
pub(in crate::store) mod url_file;
pub(in crate::store) mod warnings;
pub(in crate::store) mod watched_file;
