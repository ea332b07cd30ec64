//! What is known of the time at one moment, and the times that follow from it.

use super::doubt::ClockDoubt;
use crate::base::clock::UnixTime;
use crate::store::TrustedTime;

/// What is known of the time at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockReading {
    pub(super) now: UnixTime,
    /// The latest time that has certainly come, unless there is a doubt.
    pub(super) certain: UnixTime,
    /// The time as if nobody had set the clock.
    pub(super) unset: UnixTime,
    pub(super) doubt: Option<ClockDoubt>,
    pub(super) holds_back: bool,
}

impl ClockReading {
    /// The time by which to remove, rotate or end stored things; why there is none.
    pub(crate) fn trusted(&self) -> Result<TrustedTime, ClockDoubt> {
        match self.doubt {
            Some(doubt) if self.holds_back => Err(doubt),
            Some(_) | None => Ok(TrustedTime::vouched_by_guard(self.certain)),
        }
    }

    /// The most probable time, trusted or not: for what has to be dated in any case.
    pub(crate) fn probable(&self) -> UnixTime {
        match self.trusted() {
            Ok(_) => self.now,
            Err(_) => self.unset,
        }
    }

    pub(crate) fn latest(&self) -> UnixTime {
        self.now.max(self.unset)
    }

    pub(crate) fn earliest(&self) -> UnixTime {
        self.now.min(self.unset).min(self.certain)
    }
}
