//! Connections, transactions, queries, migrations, metrics and errors of the database.

pub(in crate::store) mod backup;
pub(in crate::store) mod conn;
pub(in crate::store) mod connect;
pub(in crate::store) mod damage;
pub(in crate::store) mod database_time;
pub(in crate::store) mod error;
pub(in crate::store) mod guard;
pub(in crate::store) mod metrics;
pub(in crate::store) mod migrations;
pub(in crate::store) mod query;
pub(in crate::store) mod sqlite;

pub(in crate::store) use conn::{Conn, Driver, Session, Tx};
pub(in crate::store) use connect::pool::Pool;
pub(in crate::store) use damage::{FullPage, Readable, RowsOf, in_row};
pub(in crate::store) use error::Fault;
pub(in crate::store) use metrics::Calls;
pub(in crate::store) use query::row::Row;
pub(in crate::store) use query::table_row::{
    ROWS, TableRow, insert_from_json, insert_rows, json_rows, to_json,
};
pub(in crate::store) use query::{Query, ToValue, Value, query, select};
