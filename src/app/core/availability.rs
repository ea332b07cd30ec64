//! What the service can do now. It follows from the last reading of the changes, so asking costs nothing.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use crate::app::core::Core;
use crate::app::core::degradation::{Degradation, Degradations};
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::store::Store;

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
            Self::Degraded(reason) => reason.as_str(),
            Self::Stale => "stale: database",
        }
    }

    fn to_u8(self) -> u8 {
        match self {
            Self::Starting => 0,
            Self::Ready => 1,
            Self::Stale => 2,
            Self::Degraded(reason) => FIRST_REASON + reason as u8,
        }
    }

    fn from_u8(number: u8) -> Self {
        match number {
            1 => Self::Ready,
            2 => Self::Stale,
            _ => {
                let reason = number.checked_sub(FIRST_REASON).map(usize::from);
                let reason = reason.and_then(|place| Degradation::ALL.get(place));
                reason.map_or(Self::Starting, |reason| Self::Degraded(*reason))
            }
        }
    }
}

/// The number of the first reason for being degraded.
const FIRST_REASON: u8 = 3;

/// When changes were last read, and whether the database answers.
pub(crate) struct Availability {
    /// When the changes were last read up to their end.
    read_at: AtomicI64,
    /// A [`Readiness`], as a number.
    readiness: AtomicU8,
    degradations: Degradations,
    rejected: Counter,
    rejected_stale: Counter,
}

impl Default for Availability {
    fn default() -> Self {
        Self {
            read_at: AtomicI64::new(i64::MIN),
            readiness: AtomicU8::new(Readiness::Starting.to_u8()),
            degradations: Degradations::default(),
            rejected: Counter::default(),
            rejected_stale: Counter::default(),
        }
    }
}

impl Availability {
    /// Follows from the last reading of the changes.
    pub(crate) fn readiness(&self) -> Readiness {
        Readiness::from_u8(self.readiness.load(Ordering::Acquire))
    }

    /// Whether it was another one before.
    pub(crate) fn set_readiness(&self, readiness: Readiness) -> bool {
        let number = readiness.to_u8();
        let is_new = self.readiness.swap(number, Ordering::AcqRel) != number;
        if let Readiness::Degraded(reason) = readiness
            && is_new
        {
            self.degradations.count(reason);
        }
        is_new
    }

    pub(crate) fn read_at(&self) -> Option<UnixTime> {
        let read_at = self.read_at.load(Ordering::Acquire);
        Some(UnixTime(read_at)).filter(|_| read_at != i64::MIN)
    }

    pub(crate) fn set_read_at(&self, at: UnixTime) {
        self.read_at.store(at.0, Ordering::Release);
    }

    /// How often the service became degraded, by reason.
    pub(crate) fn degradations(&self) -> Vec<(&'static str, u64)> {
        self.degradations.read()
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
        self.availability.read_at()
    }

    /// The database, for what a request needs of it: while it does not answer others, a request is refused at once
    /// instead of waiting in their line, and when it answers again it does not find all of them there.
    pub(crate) fn database(&self) -> Result<&Store> {
        let may_answer = match self.readiness() {
            Readiness::Starting | Readiness::Ready => true,
            Readiness::Degraded(reason) => reason.can_read(),
            Readiness::Stale => false,
        };
        self.require_answers(may_answer)?;
        Ok(&self.store)
    }

    /// Fails while the database does not answer, for the portal and the admin API. They go on with a database that has been
    /// read-only for `STALE_LIMIT`: no client depends on what they show.
    pub(crate) fn require_database(&self) -> Result<()> {
        self.require_answers(match self.readiness() {
            Readiness::Starting | Readiness::Ready => true,
            Readiness::Degraded(reason) => reason.can_read(),
            Readiness::Stale => self.store.fault().is_some(),
        })
    }

    /// Fails unless the database may answer, as the last reading of the changes says, and answered every call since.
    fn require_answers(&self, may_answer: bool) -> Result<()> {
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
