//! Owns the real time: nothing else in the crate may read a clock (`clippy.toml` forbids it).
//! Knows nothing of ours.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Seconds since 1970 (the unit of JWT, of both databases and of every `_at` field).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
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
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `now` until [`advance`](Self::advance) moves it.
    pub fn fixed(now: UnixTime) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(now.0))))
    }

    /// The time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the time"
    )]
    pub fn now(&self) -> UnixTime {
        match &self.0 {
            Source::System => {
                let elapsed = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                UnixTime(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
            }
            Source::Fixed(seconds) => UnixTime(seconds.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock; the system's cannot be moved and stays as it is.
    pub fn advance(&self, seconds: i64) {
        if let Source::Fixed(now) = &self.0 {
            now.fetch_add(seconds, Ordering::SeqCst);
        }
    }
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
