//! Owns [`UnixTime`]: a point in time as all layers pass it on.

use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// Seconds since 1970 (the unit of JWT, of both databases and of every `_at` field).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, ToSchema)]
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

thread_local! {
    /// Whether this thread serializes times as text just now.
    static AS_TEXT: Cell<bool> = const { Cell::new(false) };
}

/// Serializes with the times in it as ISO 8601 (RFC 3339) instead of as seconds, for documents that people read too.
/// Serde passes nothing down to the values, and a copy of the document would lose digits of numbers.
pub(crate) fn with_times_as_text<T>(serialize: impl FnOnce() -> T) -> T {
    let before = AS_TEXT.replace(true);
    let serialized = serialize();
    AS_TEXT.set(before);
    serialized
}

impl Serialize for UnixTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if AS_TEXT.get() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
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
