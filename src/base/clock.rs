//! Owns the real time: nothing else in the crate may read a clock (`clippy.toml` forbids it).
//! Knows nothing of ours.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Seconds since 1970 (the unit of JWT, of both databases and of every `_at` field).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(as = Timestamp)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// This time and `seconds` more; stays at the end of time instead of overflowing.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Prints RFC 3339 in UTC, as people and spreadsheets read it.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} s since 1970", self.0),
        }
    }
}

/// Parses RFC 3339: `2026-07-01T00:00:00Z`.
impl std::str::FromStr for UnixTime {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let timestamp: jiff::Timestamp = text.parse()?;
        Ok(Self(timestamp.as_second()))
    }
}

/// The one source of "now". A value, not a trait: tests make a fixed one and move it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System {
        /// Milliseconds by which the wall clock was ahead of the time since boot when this value was made.
        offset_at_start: i64,
    },
    Fixed(Arc<Fixed>),
}

/// The time of a test.
#[derive(Debug)]
struct Fixed {
    /// The true time, which the database of the test has as well.
    true_time: AtomicI64,
    /// Seconds by which this machine's clock is ahead of it.
    ahead: AtomicI64,
    ahead_at_start: i64,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System {
            offset_at_start: wall_ahead_of_boot(),
        })
    }

    /// A clock that stands at `now` until [`advance`](Self::advance) moves it.
    pub fn fixed(now: UnixTime) -> Self {
        Self::fixed_ahead(now, 0)
    }

    /// A fixed clock that was `seconds` ahead of the true time already when the process started.
    pub fn fixed_ahead(true_time: UnixTime, seconds: i64) -> Self {
        Self(Source::Fixed(Arc::new(Fixed {
            true_time: AtomicI64::new(true_time.0),
            ahead: AtomicI64::new(seconds),
            ahead_at_start: seconds,
        })))
    }

    /// The time of the wall clock.
    pub fn now(&self) -> UnixTime {
        match &self.0 {
            Source::System { .. } => {
                UnixTime(i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX))
            }
            Source::Fixed(fixed) => UnixTime(fixed.true_time() + fixed.ahead()),
        }
    }

    /// Seconds by which the wall clock was set ahead since this value was made; negative when it was set back. Measured
    /// against the clock that counts sleep.
    pub fn jumped_by(&self) -> i64 {
        match &self.0 {
            Source::System { offset_at_start } => {
                let jump = wall_ahead_of_boot().saturating_sub(*offset_at_start);
                jump.saturating_add(500).div_euclid(1_000)
            }
            Source::Fixed(fixed) => fixed.ahead() - fixed.ahead_at_start,
        }
    }

    /// The time as if nobody had set the wall clock since the start: for ages of what is in memory.
    pub fn steady(&self) -> UnixTime {
        self.now().plus(-self.jumped_by())
    }

    /// The time of the database, of which `measured` was read: a fixed clock fixes that as well.
    pub(crate) fn database_time(&self, measured: UnixTime) -> UnixTime {
        match &self.0 {
            Source::System { .. } => measured,
            Source::Fixed(fixed) => UnixTime(fixed.true_time()),
        }
    }

    /// Lets time pass for a fixed clock; the system's cannot be moved and stays as it is.
    pub fn advance(&self, seconds: i64) {
        if let Source::Fixed(fixed) = &self.0 {
            fixed.true_time.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    /// Sets a fixed clock ahead, or back, while no time passes: it is wrong from then on, or right again.
    pub fn set_ahead(&self, seconds: i64) {
        if let Source::Fixed(fixed) = &self.0 {
            fixed.ahead.store(seconds, Ordering::SeqCst);
        }
    }
}

impl Fixed {
    fn true_time(&self) -> i64 {
        self.true_time.load(Ordering::SeqCst)
    }

    fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::SeqCst)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the time"
)]
fn since_1970() -> Duration {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.unwrap_or_default()
}

/// Milliseconds by which the wall clock is ahead of the time since boot, which nobody can set.
fn wall_ahead_of_boot() -> i64 {
    // Elsewhere the monotonic clock: it stands still while the machine sleeps, which looks like a jump.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let boot = clock_gettime(clock);
    let boot = boot.tv_sec * 1_000 + boot.tv_nsec / 1_000_000;
    let wall = i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX);
    wall.saturating_sub(boot)
}

/// Measures how long something took; never used to decide anything.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the time"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_nobody_sets_has_not_jumped() {
        let clock = Clock::system();
        assert_eq!(clock.jumped_by(), 0);
        assert!((0..=1).contains(&clock.steady().since(clock.now()).abs()));
    }

    #[test]
    fn setting_a_fixed_clock_is_a_jump_and_the_passing_of_time_is_none() {
        let clock = Clock::fixed_ahead(UnixTime(1_000), 7);
        clock.advance(100);
        assert_eq!((clock.now(), clock.jumped_by()), (UnixTime(1_107), 0));

        clock.set_ahead(-50);
        assert_eq!((clock.now(), clock.jumped_by()), (UnixTime(1_050), -57));
        assert_eq!(clock.steady(), UnixTime(1_107));
        assert_eq!(clock.database_time(UnixTime(5)), UnixTime(1_100));
    }
}
