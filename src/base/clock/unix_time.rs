//! Owns [`UnixTime`]: a point in time as all layers pass it on.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
