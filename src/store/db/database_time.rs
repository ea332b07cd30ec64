//! Owns the measurement of the database's clock, and the only time by which stored things may be removed, rotated or ended: a
//! [`TrustedTime`]. Each function that deletes by age takes one, so that none can forget to doubt the clock.

use crate::base::clock::{Clock, UnixTime};
use crate::store::db::{Pool, query};
use crate::store::{Result, Store};

/// A present or past time of which the clock guard is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrustedTime(UnixTime);

impl TrustedTime {
    /// For the clock guard alone, which a test holds.
    pub(crate) fn vouched_by_guard(time: UnixTime) -> Self {
        Self(time)
    }

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

impl Store {
    /// Whether the database has a clock of its own, and not that of this machine.
    pub fn has_own_clock(&self) -> bool {
        matches!(self.pool, Pool::Postgres(_))
    }

    /// Has `clock` follow the clock of the database. Returns by how many milliseconds the database's time is ahead of what the
    /// clock said before; `None` on SQLite, which has the clock of this machine.
    pub async fn measure_clock(&self, clock: &Clock) -> Result<Option<i64>> {
        const SQL: &str = "select (extract(epoch from clock_timestamp()) * 1000)::bigint";
        if !self.has_own_clock() {
            return Ok(None);
        }
        // Waiting for a connection is no part of the round trip. Nor do requests keep this one from it.
        let mut conn = self.acquire_feed().await?;
        let began = clock.since_boot();
        let database_ms = query(SQL).fetch_one(&mut conn, |row| row.get(0)).await?;
        Ok(Some(clock.follow(began, database_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_time_never_becomes_later() {
        let now = UnixTime(1_800_000_000);
        let trusted = TrustedTime(now);
        assert_eq!(trusted.ago(10).time(), now.plus(-10));
        assert_eq!(trusted.ago(-10), trusted);
        assert_eq!(trusted.ago(i64::MIN), trusted);
        assert_eq!(trusted.back_to(now.plus(1)), trusted);
    }
}
