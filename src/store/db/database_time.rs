//! Owns the only time by which stored things may be removed, rotated or ended. A [`TrustedTime`] exists only after this
//! machine's clock was compared with everything else that is known of the time; each function that deletes by age takes
//! one, so that none can forget to ask.

use crate::base::clock::{Clock, UnixTime};
use crate::store::db::pool::Pool;
use crate::store::db::query::query;
use crate::store::{Store, StoreError};

/// Seconds by which a clock may differ, and a jump or a row be ahead, before nothing is removed.
pub const CLOCK_TOLERANCE: i64 = 5;

/// The newest event is the last one that was appended, and not the one with the latest time: one event under a right clock
/// ends the doubt that one under a wrong clock raised.
const SQLITE: &str = "
    select cast(null as bigint), (select at from audit_events order by event_id desc limit 1)";

const POSTGRES: &str = "
    select extract(epoch from clock_timestamp())::bigint,
        (select at from audit_events order by event_id desc limit 1)";

/// A present or past time of which the clock guard is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrustedTime(UnixTime);

impl TrustedTime {
    /// The time.
    pub fn time(self) -> UnixTime {
        self.0
    }

    /// So many seconds earlier; never later.
    #[must_use]
    pub fn ago(self, seconds: i64) -> Self {
        self.back_to(self.0.plus(seconds.saturating_neg()))
    }

    /// An earlier time, which is past as certainly; never later.
    #[must_use]
    pub fn back_to(self, time: UnixTime) -> Self {
        Self(self.0.min(time))
    }
}

/// Why the clock is not trusted. The texts say what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockDoubt {
    /// The database has another time.
    #[error(
        "this machine's clock differs from the database's by {0} s: set the wrong one of the two"
    )]
    Differs(i64),
    /// Somebody set the clock.
    #[error(
        "this machine's clock was set by {0} s since this process started: set it back, or restart the process if it is right now"
    )]
    Jumped(i64),
    /// Something was written under a later time.
    #[error(
        "the newest event of the audit trail is {0} s ahead of this machine's clock: set the clock; if it is right, \
         the next event (a login at the portal is one) ends this"
    )]
    NewestRowAhead(i64),
}

/// What is known of the time at one moment.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// This machine's time.
    ours: UnixTime,
    jumped_by: i64,
    /// The database's time, where it has its own.
    database: Option<UnixTime>,
    newest_row: Option<UnixTime>,
}

impl ClockReading {
    /// Seconds by which this machine's clock is ahead of the database's; `None` where that has none.
    pub fn difference(&self) -> Option<i64> {
        self.database.map(|theirs| self.ours.since(theirs))
    }

    /// This machine's time, if nothing speaks against it.
    pub fn trusted(&self) -> Result<TrustedTime, ClockDoubt> {
        if let Some(difference) = self.difference()
            && difference.abs() > CLOCK_TOLERANCE
        {
            return Err(ClockDoubt::Differs(difference));
        }
        if self.jumped_by.abs() > CLOCK_TOLERANCE {
            return Err(ClockDoubt::Jumped(self.jumped_by));
        }
        match self.newest_row.map(|at| at.since(self.ours)) {
            Some(ahead) if ahead > CLOCK_TOLERANCE => Err(ClockDoubt::NewestRowAhead(ahead)),
            Some(_) | None => Ok(TrustedTime(self.ours)),
        }
    }

    /// The most probable time, trusted or not: for what has to be dated in any case.
    pub fn probable(&self) -> UnixTime {
        match self.trusted() {
            Ok(trusted) => trusted.time(),
            Err(_) => self.database.unwrap_or(self.steady()),
        }
    }

    /// The latest time that it may be.
    pub fn latest(&self) -> UnixTime {
        let known = self.ours.max(self.steady());
        self.database.map_or(known, |theirs| known.max(theirs))
    }

    /// The earliest time that it may be.
    pub fn earliest(&self) -> UnixTime {
        let known = self.ours.min(self.steady());
        self.database.map_or(known, |theirs| known.min(theirs))
    }

    fn steady(&self) -> UnixTime {
        self.ours.plus(-self.jumped_by)
    }
}

impl Store {
    /// Compares a clock with the database's, where that has its own, and with the newest row. The time that the question
    /// takes is no difference.
    pub async fn read_clock(&self, clock: &Clock) -> Result<ClockReading, StoreError> {
        let before = clock.now();
        let sql = match self.pool {
            Pool::Postgres(_) => POSTGRES,
            Pool::Sqlite(_) => SQLITE,
        };
        let (database, newest_row): (Option<i64>, _) = query(sql)
            .fetch_one(&mut self.acquire_read().await?, |row| {
                Ok((row.get(0)?, row.optional_time(1)?))
            })
            .await?;
        let after = clock.now();
        let database = database.map(|at| clock.database_time(UnixTime(at)));
        Ok(ClockReading {
            ours: database.map_or(after, |theirs| theirs.clamp(before.min(after), after)),
            jumped_by: clock.jumped_by(),
            database,
            newest_row,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn reading(ahead: i64, jumped_by: i64, row_ahead: i64) -> ClockReading {
        ClockReading {
            ours: NOW.plus(ahead),
            jumped_by,
            database: Some(NOW),
            newest_row: Some(NOW.plus(ahead + row_ahead)),
        }
    }

    #[test]
    fn five_seconds_are_trusted_and_six_are_not() {
        for good in [(5, 0, 0), (-5, 0, 0), (0, 5, 0), (0, -5, 0), (0, 0, 5)] {
            let reading = reading(good.0, good.1, good.2);
            assert_eq!(reading.trusted(), Ok(TrustedTime(NOW.plus(good.0))));
        }
        for (bad, doubt) in [
            ((6, 0, 0), ClockDoubt::Differs(6)),
            ((-6, 0, 0), ClockDoubt::Differs(-6)),
            ((0, 6, 0), ClockDoubt::Jumped(6)),
            ((0, -6, 0), ClockDoubt::Jumped(-6)),
            ((0, 0, 6), ClockDoubt::NewestRowAhead(6)),
        ] {
            assert_eq!(reading(bad.0, bad.1, bad.2).trusted(), Err(doubt));
        }
    }

    #[test]
    fn an_old_row_says_nothing_against_the_clock() {
        assert!(reading(0, 0, -1_000_000).trusted().is_ok());
    }

    #[test]
    fn a_trusted_time_never_becomes_later() {
        let trusted = TrustedTime(NOW);
        assert_eq!(trusted.ago(10).time(), NOW.plus(-10));
        assert_eq!(trusted.ago(-10), trusted);
        assert_eq!(trusted.ago(i64::MIN), trusted);
        assert_eq!(trusted.back_to(NOW.plus(1)), trusted);
    }

    #[test]
    fn the_bounds_hold_the_database_and_the_time_before_a_jump() {
        let wrong = reading(1_000, 600, 0);
        assert_eq!((wrong.earliest(), wrong.latest()), (NOW, NOW.plus(1_000)));
        assert_eq!(wrong.probable(), NOW);
        let alone = ClockReading {
            database: None,
            ..wrong
        };
        assert_eq!(alone.earliest(), NOW.plus(400));
        assert_eq!(alone.probable(), NOW.plus(400));
    }
}
