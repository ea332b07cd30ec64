//! Owns the ways in which a call to the store can fail that a caller tells apart, and the faults of a database that answers and
//! yet cannot do what it is asked, until somebody mends it.

use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;

use crate::domain::AccessDenied;

/// What comes of a call to the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why a call to the store failed. "Not there" is an `Option`, not an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something of this name exists already.
    #[error("it exists already")]
    Conflict,
    /// What is to be written contradicts what is there; says what to do.
    #[error("{0}")]
    Contradiction(String),
    /// The actor may not do this.
    #[error(transparent)]
    Denied(#[from] AccessDenied),
    /// The database does not answer, is stopping, is overloaded or has no room; later it may.
    #[error("the database does not answer")]
    Unavailable(#[source] sqlx::Error),
    /// No connection to the database can be opened; why, and what to do.
    #[error("cannot reach {location}: {problem}")]
    Unreachable {
        /// Without a password.
        location: String,
        /// What the network, the server or the file system said.
        problem: String,
    },
    /// A table was changed since the statement was prepared; another connection prepares it anew.
    #[error("a table was changed since the statement was prepared")]
    StalePlan(#[source] sqlx::Error),
    /// The database answers, but cannot do this until somebody mends it.
    #[error("{0}")]
    Faulty(Fault, #[source] sqlx::Error),
    /// The database refused.
    #[error("the database refused it")]
    Database(#[source] sqlx::Error),
    /// The schema is not the one this version needs.
    #[error("the migration failed")]
    Migration(#[source] MigrateError),
    /// The file of SQLite is not there, and this command does not make it.
    #[error(
        "there is no file {0}: run `token-server migrate` to create it; if it existed before, check that its volume \
            is mounted"
    )]
    MissingFile(String),
    /// The schema is of a pre-release, whose migrations are not known any more.
    #[error(
        "the database was made by a pre-release of token-server: export its clients with the old binary \
         (`token-server client export`), then import them into an empty database with this one (`token-server client import`)"
    )]
    PreRelease,
    /// A migration was applied whose text is not the one that this version has.
    #[error(
        "the database has another version of migration {0}: use the release of token-server that applied it, or a \
            later one"
    )]
    ChangedMigration(String),
    /// The end of the audit trail is not as this server left it, so that no change can be recorded; what is wrong and
    /// what to do.
    #[error("the server can add nothing to the audit trail, so it refuses every change: {0}")]
    AuditTrail(String),
    /// A row does not hold what it should.
    #[error("a row in the database is damaged: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Unreachable { .. } | Self::StalePlan(_) | Self::Faulty(..)
        )
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(refusal) = error.as_database_error() else {
            let ours = matches!(
                error,
                sqlx::Error::RowNotFound
                    | sqlx::Error::ColumnNotFound(_)
                    | sqlx::Error::ColumnDecode { .. }
                    | sqlx::Error::Decode(_)
                    | sqlx::Error::Encode(_)
                    | sqlx::Error::TypeNotFound { .. }
                    | sqlx::Error::Configuration(_)
            );
            return if ours {
                Self::Database(error)
            } else {
                Self::Unavailable(error)
            };
        };
        if refusal.is_unique_violation() {
            return Self::Conflict;
        }
        if let Some(fault) = Fault::of(&error) {
            return Self::Faulty(fault, error);
        }
        let code = RefusalCode::of(&error);
        // `cached plan must not change result type`: a column was changed since the statement was prepared.
        let is_unsupported =
            matches!(&code, Some(RefusalCode::SqlState(state)) if state == "0A000");
        if is_unsupported && refusal.message().contains("cached plan") {
            return Self::StalePlan(error);
        }
        if code.is_some_and(|code| code.is_transient()) {
            Self::Unavailable(error)
        } else {
            Self::Database(error)
        }
    }
}

/// By which code the database refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum RefusalCode {
    /// Postgres. The first two characters are the class.
    SqlState(String),
    /// The low byte of the code: without what tells its kinds apart.
    Sqlite(u32),
}

impl RefusalCode {
    pub(in crate::store) fn of(error: &sqlx::Error) -> Option<Self> {
        let refusal = error.as_database_error()?;
        if let Some(refusal) = refusal.try_downcast_ref::<PgDatabaseError>() {
            return Some(Self::SqlState(refusal.code().to_owned()));
        }
        let code: u32 = refusal.code()?.parse().ok()?;
        Some(Self::Sqlite(code & 0xff))
    }

    /// Whether a call that the database refused in this way may succeed later. Postgres: 08 connection, 25P03 a transaction
    /// that was idle for too long, 28 a password that is being changed, 3D000 no such database, 53 resources, 55P03 lock,
    /// 57 operator intervention (a shutdown, a statement timeout), 58 input and output. SQLite: 5 busy, 6 locked, 10 input
    /// and output, 14 cannot open.
    fn is_transient(&self) -> bool {
        const CLASSES: [&str; 5] = ["08", "28", "53", "57", "58"];
        match self {
            Self::SqlState(state) => {
                CLASSES.iter().any(|class| state.starts_with(class))
                    || matches!(state.as_str(), "25P03" | "3D000" | "55P03")
            }
            Self::Sqlite(code) => matches!(code, 5 | 6 | 10 | 14),
        }
    }
}

impl From<crate::domain::ParseError> for StoreError {
    fn from(error: crate::domain::ParseError) -> Self {
        Self::Corrupt(error.0)
    }
}

/// What keeps a database that answers from doing what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is a standby, or was set read-only, or its file may only be read.
    #[error("the database is read-only")]
    ReadOnly,
    /// Its disk is full.
    #[error("the disk of the database is full")]
    DiskFull,
    /// Its user lacks a right.
    #[error("the user of the database lacks a right")]
    PermissionDenied,
    /// A page of it cannot be read.
    #[error("the database is damaged")]
    Damaged,
}

impl Fault {
    /// The fault that an error tells of; `None` where the next call may succeed, and where the statement is wrong.
    pub fn of(error: &sqlx::Error) -> Option<Self> {
        match RefusalCode::of(error)? {
            RefusalCode::SqlState(state) => match state.as_str() {
                "25006" => Some(Self::ReadOnly),
                "53100" => Some(Self::DiskFull),
                "42501" => Some(Self::PermissionDenied),
                "XX001" | "XX002" => Some(Self::Damaged),
                _ => None,
            },
            RefusalCode::Sqlite(8) => Some(Self::ReadOnly),
            RefusalCode::Sqlite(13) => Some(Self::DiskFull),
            RefusalCode::Sqlite(3 | 23) => Some(Self::PermissionDenied),
            RefusalCode::Sqlite(11 | 26) => Some(Self::Damaged),
            RefusalCode::Sqlite(_) => None,
        }
    }
}
