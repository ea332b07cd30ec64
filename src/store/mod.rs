//! The only place with SQL. Owns the connection pool, the migrations and the rows.
//! Knows `domain`; no HTTP, no JWT.
//!
//! One SQL text serves Postgres and SQLite: a `Query` runs on the `Conn` or `Tx` of either (`db`). The conformance
//! suite (`tests/it/store`) runs on both.

mod acme;
mod admins;
mod audit;
mod clients;
mod db;
mod issuers;
mod keys;
mod replication;
mod secrets;
mod single_use;
mod tokens;
mod usage;
mod write_options;

pub use crate::domain::audit::chain::{
    Acceptance, AuditChain, AuditHead, ChainBreak, ChainLink, ChainedEvent,
};
pub use crate::domain::audit::keys::{AuditKeys, HeadKey};
pub use crate::domain::audit::walk::ChainWalk;
pub use acme::{AcmeFailure, AcmeLease};
pub use admins::accounts::{AdminChanged, AdminChanges};
pub use admins::passkeys::{PasskeyChange, PasskeyRecord};
pub use admins::row::AdminRecord;
pub use admins::sessions::{RenewedSession, SessionRecord};
pub use audit::head::AuditEnd;
pub use audit::listener::AuditListener;
pub use audit::read::{AuditFilter, AuditPage};
pub use clients::bulk_write::{ClientWrite, ClientWritten, IfTaken, WriteActions, WrittenClients};
pub use clients::find::ClientsRead;
pub use clients::list::{ClientFilter, ClientOrder, ClientQuery, Cursor};
pub use clients::status::{ClientRevoked, FullRoom};
pub use clients::write::{ClientChanged, ClientInserted, ClientsPage};
pub use db::connect::DatabaseOptions;
pub use db::connect::pool::Store;
pub use db::database_time::TrustedTime;
pub use db::error::{Fault, Result, StoreError};
pub use db::guard::Obstacle;
pub use db::metrics::{CallMetrics, PoolMetrics};
pub use db::migrations::{MigrationEvent, Migrations, Place, Tell};
pub use issuers::{IssuerWritten, RevokedPage};
pub use keys::KeyChanges;
pub use replication::changes::ChangesPage;
pub use replication::installation::{ClockMark, Standing};
pub use replication::listener::ChangeListener;
pub use secrets::write::SecretAdded;
pub use tokens::queue::RevocationTrail;
pub use usage::add::UsageRows;
pub use usage::read::UsageOrder;
pub use write_options::{StoredResponse, WriteOptions};
