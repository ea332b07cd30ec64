//! What the service can do right now. It follows from the last reading of the changes, so asking costs nothing; but
//! orchestrators are told no more than was tried within this second.

use crate::app::App;
use crate::app::error::{Error, Result};

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

    /// Its name in figures.
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

    pub(in crate::app) fn from_u8(number: u8) -> Self {
        match number {
            1 => Self::Ready,
            2 => Self::Degraded,
            3 => Self::Stale,
            _ => Self::Starting,
        }
    }
}

impl App {
    /// What the service can do right now.
    pub fn readiness(&self) -> Readiness {
        self.feed.readiness()
    }

    /// Fails when no client can be served.
    pub(in crate::app) fn require_known_clients(&self) -> Result<()> {
        if self.readiness() == Readiness::Stale {
            self.feed.refused_stale.count();
            return Err(stale());
        }
        Ok(())
    }

    /// The same for orchestrators, who have to wait for the start as well, to whom it matters that tokens can be made and that
    /// the clock is right; else whether the database is there.
    pub fn check_readiness(&self) -> Result<Readiness> {
        match self.readiness() {
            Readiness::Starting => Err(Error::temporarily_unavailable(
                "the revocations have not been read yet",
            )),
            Readiness::Stale => Err(stale()),
            known @ (Readiness::Ready | Readiness::Degraded) => {
                self.check_clock()?;
                self.check_canary()?;
                Ok(known)
            }
        }
    }
}

fn stale() -> Error {
    Error::temporarily_unavailable("the database has not answered for too long; try again shortly")
}
