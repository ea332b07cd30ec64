//! What the service can do now. It follows from the last reading of the changes, so asking costs nothing.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use crate::app::core::Core;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::store::Store;

/// What the service can do right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Readiness {
    /// Nothing yet: not all that binds has been read.
    Starting,
    /// All of it.
    Ready,
    /// Without the database: to judge tokens, and to serve the clients in memory.
    Degraded,
    /// The same for longer than `STALE_LIMIT`: to judge tokens.
    Stale,
}

impl Readiness {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Starting, Self::Ready, Self::Degraded, Self::Stale];

    /// Its label in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Stale => "stale",
        }
    }

    /// What `/readyz` says.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded => "degraded: database",
            Self::Stale => "stale: database",
        }
    }

    fn from_u8(number: u8) -> Self {
        match number {
            1 => Self::Ready,
            2 => Self::Degraded,
            3 => Self::Stale,
            _ => Self::Starting,
        }
    }
}

/// When changes were last read, and whether the database answers.
pub(crate) struct Availability {
    /// When the changes were last read up to their end.
    read_at: AtomicI64,
    /// A [`Readiness`].
    readiness: AtomicU8,
    rejected: Counter,
    rejected_stale: Counter,
}

impl Default for Availability {
    fn default() -> Self {
        Self {
            read_at: AtomicI64::new(i64::MIN),
            readiness: AtomicU8::new(Readiness::Starting as u8),
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
        self.readiness.swap(readiness as u8, Ordering::AcqRel) != readiness as u8
    }

    pub(crate) fn read_at(&self) -> Option<UnixTime> {
        let read_at = self.read_at.load(Ordering::Acquire);
        Some(UnixTime(read_at)).filter(|_| read_at != i64::MIN)
    }

    pub(crate) fn set_read_at(&self, at: UnixTime) {
        self.read_at.store(at.0, Ordering::Release);
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
        match self.readiness() {
            Readiness::Starting | Readiness::Ready => Ok(&self.store),
            Readiness::Degraded | Readiness::Stale => {
                self.availability.rejected.inc();
                Err(Error::temporarily_unavailable(
                    "the database does not answer; try again shortly",
                ))
            }
        }
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
