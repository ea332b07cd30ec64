//! Owns why the service is degraded: what is wrong with the database.

use crate::base::metrics::Counter;
use crate::store::{Fault, Obstacle};

/// Why the service is degraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Degradation {
    /// The database does not answer, or the changes in it cannot be read.
    Unreachable,
    /// `DATABASE_URL` leads to another database.
    OtherInstallation,
    /// The SQLite file is not there any more.
    FileRemoved,
    /// The SQLite file is another one, and the server cannot use it yet.
    FileReplaced,
    /// The database takes no changes.
    ReadOnly,
    /// The disk of the database is full.
    DiskFull,
    /// The user of the database lacks a right.
    PermissionDenied,
    /// A page of the database cannot be read.
    Damaged,
    /// The database lost revocations that this replica knows, and has not taken them back yet.
    NotWrittenBack,
}

impl Degradation {
    /// Every one, by number.
    pub const ALL: [Self; 9] = [
        Self::Unreachable,
        Self::OtherInstallation,
        Self::FileRemoved,
        Self::FileReplaced,
        Self::ReadOnly,
        Self::DiskFull,
        Self::PermissionDenied,
        Self::Damaged,
        Self::NotWrittenBack,
    ];

    /// Its label in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::OtherInstallation => "other_installation",
            Self::FileRemoved => "file_removed",
            Self::FileReplaced => "file_replaced",
            Self::ReadOnly => "read_only",
            Self::DiskFull => "disk_full",
            Self::PermissionDenied => "permission_denied",
            Self::Damaged => "damaged",
            Self::NotWrittenBack => "not_written_back",
        }
    }

    /// What `/readyz` says.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "degraded: database",
            Self::OtherInstallation => "degraded: another database",
            Self::FileRemoved => "degraded: database file removed",
            Self::FileReplaced => "degraded: database file replaced",
            Self::ReadOnly => "degraded: database read-only",
            Self::DiskFull => "degraded: database disk full",
            Self::PermissionDenied => "degraded: database permission denied",
            Self::Damaged => "degraded: database damaged",
            Self::NotWrittenBack => "degraded: revocations not written back",
        }
    }

    /// Whether the database answers what it is asked, so that only changes fail.
    pub(crate) fn can_read(self) -> bool {
        match self {
            Self::Unreachable
            | Self::OtherInstallation
            | Self::FileRemoved
            | Self::FileReplaced => false,
            Self::ReadOnly
            | Self::DiskFull
            | Self::PermissionDenied
            | Self::Damaged
            | Self::NotWrittenBack => true,
        }
    }
}

impl From<&Obstacle> for Degradation {
    fn from(obstacle: &Obstacle) -> Self {
        match obstacle {
            Obstacle::OtherInstallation { .. } => Self::OtherInstallation,
            Obstacle::FileRemoved(_) => Self::FileRemoved,
            Obstacle::FileReplaced(_) => Self::FileReplaced,
        }
    }
}

impl From<Fault> for Degradation {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::ReadOnly => Self::ReadOnly,
            Fault::DiskFull => Self::DiskFull,
            Fault::PermissionDenied => Self::PermissionDenied,
            Fault::Damaged => Self::Damaged,
        }
    }
}

/// How often the service became degraded, by reason.
#[derive(Debug, Default)]
pub(crate) struct Degradations([Counter; Degradation::ALL.len()]);

impl Degradations {
    pub(crate) fn count(&self, reason: Degradation) {
        self.0[reason as usize].inc();
    }

    pub(crate) fn read(&self) -> Vec<(&'static str, u64)> {
        let counters = Degradation::ALL.into_iter().zip(&self.0);
        counters
            .map(|(reason, counter)| (reason.name(), counter.value()))
            .collect()
    }
}
