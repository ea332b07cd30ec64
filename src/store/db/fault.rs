//! Owns the faults of a database that answers and yet cannot do what it is asked, until somebody mends it.

use std::fmt;

/// `cached plan must not change result type`: a column was changed since the statement was prepared.
const FEATURE_NOT_SUPPORTED: &str = "0A000";

/// What keeps a database that answers from doing what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is a standby, or was set read-only, or its file may only be read.
    ReadOnly,
    /// Its disk is full.
    DiskFull,
    /// Its user lacks a right.
    PermissionDenied,
    /// A page of it cannot be read.
    Damaged,
}

impl Fault {
    /// The fault that an error tells of; `None` where the next call may succeed, and where the statement is wrong.
    pub fn of(error: &sqlx::Error) -> Option<Self> {
        let refusal = error.as_database_error()?;
        let code = refusal.code()?;
        // SQLSTATE of Postgres has five characters. Of a code of SQLite the low byte is its kind.
        if code.len() == 5 {
            return match &*code {
                "25006" => Some(Self::ReadOnly),
                "53100" => Some(Self::DiskFull),
                "42501" => Some(Self::PermissionDenied),
                "XX001" | "XX002" => Some(Self::Damaged),
                _ => None,
            };
        }
        match code.parse::<u32>().ok()? & 0xff {
            8 => Some(Self::ReadOnly),
            13 => Some(Self::DiskFull),
            3 | 23 => Some(Self::PermissionDenied),
            11 | 26 => Some(Self::Damaged),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "the database is read-only",
            Self::DiskFull => "the disk of the database is full",
            Self::PermissionDenied => "the user of the database lacks a right",
            Self::Damaged => "the database is damaged",
        })
    }
}

/// Whether a connection has prepared a statement for columns that have changed since. Another connection prepares it anew.
pub(in crate::store) fn is_stale_plan(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refusal| {
        refusal
            .code()
            .is_some_and(|code| code == FEATURE_NOT_SUPPORTED)
            && refusal.message().contains("cached plan")
    })
}
