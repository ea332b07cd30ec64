//! What the service can do now, and what is wrong with the database if it is degraded. It follows from the last reading of
//! the changes, so asking costs nothing.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use crate::app::core::Core;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::domain::word_enum;
use crate::store::{Fault, Obstacle, Store};

/// What the service can do right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Nothing yet: not all that binds has been read.
    Starting,
    /// All of it.
    Ready,
    /// To judge tokens and to serve the clients in memory; and, by the reason, what else the database allows.
    Degraded(Degradation),
    /// To judge tokens: changes have not been read for longer than `STALE_LIMIT`.
    Stale,
}

impl Readiness {
    /// The labels of all states in metrics.
    pub const NAMES: [&'static str; 4] = ["starting", "ready", "degraded", "stale"];

    /// Its label in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded(_) => "degraded",
            Self::Stale => "stale",
        }
    }

    /// What `/readyz` says.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded(reason) => reason.status(),
            Self::Stale => "stale: database",
        }
    }
}

word_enum! {
    /// Why the service is degraded, with its label in metrics.
    pub enum Degradation, "a degradation" {
        /// The database does not answer, or the changes in it cannot be read.
        Unreachable = "unreachable",
        /// `DATABASE_URL` leads to another database.
        OtherInstallation = "other_installation",
        /// The SQLite file is not there any more.
        FileRemoved = "file_removed",
        /// The SQLite file is another one, and the server cannot use it yet.
        FileReplaced = "file_replaced",
        /// The database takes no changes.
        ReadOnly = "read_only",
        /// The disk of the database is full.
        DiskFull = "disk_full",
        /// The user of the database lacks a right.
        PermissionDenied = "permission_denied",
        /// A page of the database cannot be read.
        Damaged = "damaged",
        /// The database lost revocations that this replica knows, and has not taken them back yet.
        NotWrittenBack = "not_written_back",
    }
}

impl Degradation {
    /// What `/readyz` says.
    pub fn status(self) -> &'static str {
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

/// Every state; the first one is that of the start.
const STATES: [Readiness; 3 + Degradation::ALL.len()] = {
    let mut states = [Readiness::Starting; 3 + Degradation::ALL.len()];
    states[1] = Readiness::Ready;
    states[2] = Readiness::Stale;
    let mut place = 3;
    while place < states.len() {
        states[place] = Readiness::Degraded(Degradation::ALL[place - 3]);
        place += 1;
    }
    states
};

/// When changes were last read, and whether the database answers.
pub(crate) struct Availability {
    /// When the changes were last read up to their end.
    read_at: AtomicI64,
    /// The place of the readiness in [`STATES`]: each login reads it up to three times.
    readiness: AtomicUsize,
    degradations: [Counter; Degradation::ALL.len()],
    rejected: Counter,
    rejected_stale: Counter,
}

impl Default for Availability {
    fn default() -> Self {
        Self {
            read_at: AtomicI64::new(i64::MIN),
            readiness: AtomicUsize::new(0),
            degradations: Default::default(),
            rejected: Counter::default(),
            rejected_stale: Counter::default(),
        }
    }
}

impl Availability {
    /// Follows from the last reading of the changes.
    pub(crate) fn readiness(&self) -> Readiness {
        STATES[self.readiness.load(Ordering::Acquire)]
    }

    /// Whether it was another one before.
    pub(crate) fn set_readiness(&self, readiness: Readiness) -> bool {
        let place = STATES.iter().position(|state| *state == readiness);
        let place = place.unwrap_or_default();
        let is_new = self.readiness.swap(place, Ordering::AcqRel) != place;
        if let Readiness::Degraded(reason) = readiness
            && is_new
        {
            self.degradations[reason as usize].inc();
        }
        is_new
    }

    pub(crate) fn set_read_at(&self, at: UnixTime) {
        self.read_at.store(at.0, Ordering::Release);
    }

    /// How often the service became degraded, by reason.
    pub(crate) fn degradations(&self) -> Vec<(&'static str, u64)> {
        let counters = Degradation::ALL.into_iter().zip(&self.degradations);
        counters
            .map(|(reason, counter)| (reason.as_str(), counter.value()))
            .collect()
    }

    /// Requests that were rejected: while the database is gone, and because it is gone for too long.
    pub(crate) fn rejected(&self) -> (u64, u64) {
        (self.rejected.value(), self.rejected_stale.value())
    }
}

impl Core {
    /// What the service can do right now.
    pub fn readiness(&self) -> Readiness {
        self.availability.readiness()
    }

    /// When the changes were last read; `None`: not yet. Earlier changes are applied.
    pub fn changes_read_at(&self) -> Option<UnixTime> {
        let read_at = self.availability.read_at.load(Ordering::Acquire);
        Some(UnixTime(read_at)).filter(|_| read_at != i64::MIN)
    }

    /// The database, for what a request needs of it: while it does not answer others, a request is refused at once
    /// instead of waiting in their line, and when it answers again it does not find all of them there.
    pub(crate) fn database(&self) -> Result<&Store> {
        self.require_answers(false)?;
        Ok(&self.store)
    }

    /// Fails while the database does not answer, for the portal and the admin API. They go on with a database that has been
    /// read-only for `STALE_LIMIT`: no client depends on what they show.
    pub(crate) fn require_database(&self) -> Result<()> {
        self.require_answers(self.store.fault().is_some())
    }

    /// Fails unless the database may answer, as the last reading of the changes says, and answered every call since. While
    /// the service is stale, `when_stale` says whether it may.
    fn require_answers(&self, when_stale: bool) -> Result<()> {
        let may_answer = match self.readiness() {
            Readiness::Starting | Readiness::Ready => true,
            Readiness::Degraded(reason) => reason.can_read(),
            Readiness::Stale => when_stale,
        };
        if may_answer && !self.store.is_suspected() {
            return Ok(());
        }
        self.availability.rejected.inc();
        Err(Error::database_unavailable())
    }

    /// Fails when no client can be served.
    pub(crate) fn require_known_clients(&self) -> Result<()> {
        if self.readiness() == Readiness::Stale {
            self.availability.rejected_stale.inc();
            return Err(stale());
        }
        Ok(())
    }
}

/// The error while the database has not answered for `STALE_LIMIT`.
pub(crate) fn stale() -> Error {
    Error::temporarily_unavailable("the database has not answered for too long; try again shortly")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_as_it_was_set() {
        let availability = Availability::default();
        let degraded = Degradation::ALL.map(Readiness::Degraded);
        let others = [Readiness::Ready, Readiness::Stale, Readiness::Starting];
        for state in degraded.into_iter().chain(others) {
            assert!(availability.set_readiness(state));
            assert_eq!(availability.readiness(), state);
            assert!(!availability.set_readiness(state));
        }
        assert!(
            availability
                .degradations()
                .iter()
                .all(|(_, count)| *count == 1)
        );
    }
}
