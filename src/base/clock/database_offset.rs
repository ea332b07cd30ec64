//! Owns by how much the database's clock is ahead of the time since boot: the best of the measurements, and what is in force.
//! All times are in milliseconds.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

/// No measurement yet.
const UNKNOWN: i64 = i64::MIN;

/// Two clocks drift apart by at most 1 ms in so many: 200 parts in a million, which is more than crystals and NTP do.
const DRIFT: i64 = 5_000;

/// When the database's clock was set back, the offset goes back by a part of the time that has passed.
const BACKWARDS: i64 = 10;

/// The most of it at once, also after hours without a measurement.
const MAX_STEP_BACK: i64 = 1_000;

/// A question to the database for its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoundTrip {
    /// The time since boot before the question.
    pub(super) began: i64,
    /// The time since boot after the answer.
    pub(super) ended: i64,
    /// The database's time, read somewhere between the two.
    pub(super) database_ms: i64,
}

/// How far the database's clock is ahead, within `error`.
#[derive(Clone, Copy, Debug)]
struct Measurement {
    offset: i64,
    /// Half of the round trip. A slow one says little.
    error: i64,
    /// The time since boot at its end.
    at: i64,
}

#[derive(Debug)]
pub(super) struct DatabaseOffset {
    /// What [`Clock::now`](super::Clock::now) adds to the time since boot.
    in_force: AtomicI64,
    best: Mutex<Option<Followed>>,
}

#[derive(Clone, Copy, Debug)]
struct Followed {
    best: Measurement,
    /// The time since boot at the last measurement, whether or not it was the best.
    at: i64,
}

impl Default for DatabaseOffset {
    fn default() -> Self {
        Self {
            in_force: AtomicI64::new(UNKNOWN),
            best: Mutex::new(None),
        }
    }
}

impl DatabaseOffset {
    pub(super) fn in_force(&self) -> Option<i64> {
        let offset = self.in_force.load(Ordering::Relaxed);
        (offset != UNKNOWN).then_some(offset)
    }

    /// The offset by the best measurement.
    pub(super) fn measured(&self) -> Option<i64> {
        let best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
        best.map(|it| it.best.offset)
    }

    /// Learns from a measurement; returns the offset by the best one.
    ///
    /// An offset that grows is in force at once: so it is when a hypervisor stopped this machine for a while. One that
    /// shrinks comes into force slowly, so that the time of this replica never runs back by more than a second, and that
    /// replicas which measure at different moments stay close to each other.
    pub(super) fn follow(&self, trip: RoundTrip) -> i64 {
        let new = Measurement::of(trip);
        let mut followed = self.best.lock().unwrap_or_else(PoisonError::into_inner);
        let best = match *followed {
            Some(Followed { best, .. }) if !new.replaces(best) => best,
            Some(_) | None => new,
        };
        let next = match (*followed, self.in_force()) {
            (Some(before), Some(current)) if best.offset < current => {
                let passed = new.at.saturating_sub(before.at) / BACKWARDS;
                best.offset.max(current - passed.clamp(0, MAX_STEP_BACK))
            }
            _ => best.offset,
        };
        self.in_force.store(next, Ordering::Relaxed);
        *followed = Some(Followed { best, at: new.at });
        best.offset
    }
}

impl Measurement {
    /// As if the database had read its clock in the middle of the round trip.
    fn of(trip: RoundTrip) -> Self {
        let half = trip.ended.saturating_sub(trip.began).max(0) / 2;
        Self {
            offset: trip
                .database_ms
                .saturating_sub(trip.began.saturating_add(half)),
            // All three times were cut to whole milliseconds.
            error: half + 2,
            at: trip.ended,
        }
    }

    /// Whether this one is at least as exact as an older one is by now, or shows that one of the clocks was set.
    fn replaces(self, old: Self) -> bool {
        let age = self.at.saturating_sub(old.at).max(0);
        let old_error = old.error + age / DRIFT;
        self.error <= old_error
            || self.offset.saturating_sub(old.offset).saturating_abs() > self.error + old_error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round trip that ended at `at` and took `took`, to a database that is `ahead` and reads its clock at the end.
    fn late(at: i64, took: i64, ahead: i64) -> RoundTrip {
        RoundTrip {
            began: at - took,
            ended: at,
            database_ms: at + ahead,
        }
    }

    fn quick(at: i64, ahead: i64) -> RoundTrip {
        late(at, 0, ahead)
    }

    #[test]
    fn the_database_is_taken_to_read_its_clock_in_the_middle_of_the_round_trip() {
        let offset = DatabaseOffset::default();
        assert_eq!((offset.in_force(), offset.measured()), (None, None));

        offset.follow(RoundTrip {
            began: 1_000,
            ended: 1_040,
            database_ms: 6_020,
        });

        assert_eq!(offset.in_force(), Some(5_000));
    }

    #[test]
    fn a_slow_round_trip_changes_nothing_that_a_quick_one_has_measured() {
        let offset = DatabaseOffset::default();
        offset.follow(quick(1_000, 5_000));
        offset.follow(late(11_000, 4_000, 5_000));
        assert_eq!(offset.in_force(), Some(5_000));

        // It is not taken for exact for ever.
        let hours = 48 * 3_600_000;
        offset.follow(late(hours, 4_000, 5_000));
        assert_eq!(offset.measured(), Some(7_000));
    }

    #[test]
    fn a_slow_first_measurement_is_better_than_none_and_gives_way_to_a_quick_one() {
        let offset = DatabaseOffset::default();
        offset.follow(late(4_000, 4_000, 5_000));
        assert_eq!(offset.in_force(), Some(7_000));

        for second in 2..8 {
            offset.follow(quick(10_000 * second, 5_000));
        }

        assert_eq!(offset.in_force(), Some(5_000));
    }

    #[test]
    fn a_slow_round_trip_counts_when_it_shows_that_a_clock_was_set() {
        let offset = DatabaseOffset::default();
        offset.follow(quick(1_000, 5_000));
        offset.follow(late(11_000, 2_000, 60_000));
        assert_eq!(offset.in_force(), Some(61_000));
    }

    #[test]
    fn a_clock_that_is_set_ahead_is_followed_at_once_and_one_that_is_set_back_slowly() {
        let offset = DatabaseOffset::default();
        offset.follow(quick(0, 0));
        offset.follow(quick(10_000, 30_000));
        assert_eq!(offset.in_force(), Some(30_000));

        let mut before = 10_000 + 30_000;
        for round in 2..=40 {
            let at = round * 10_000;
            offset.follow(quick(at, 0));
            let now = at + offset.in_force().unwrap();
            assert!(now > before, "it runs back: {before} {now}");
            before = now;
            assert_eq!(offset.measured(), Some(0));
        }
        assert_eq!(offset.in_force(), Some(0));
    }

    #[test]
    fn it_goes_back_by_a_second_at_most_however_long_nobody_measured() {
        let offset = DatabaseOffset::default();
        offset.follow(quick(0, 0));
        offset.follow(quick(3_600_000, -60_000));
        assert_eq!(offset.in_force(), Some(-1_000));
        // Nor faster by measuring often.
        offset.follow(quick(3_600_000, -60_000));
        assert_eq!(offset.in_force(), Some(-1_000));
    }
}
