//! Owns the end of a secret that follows from its use: so long after the last one. Knows nothing of how uses are counted.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::ParseError;

/// The idle expiry of a secret, in seconds: one hour to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
pub struct IdleExpiry(i64);

impl IdleExpiry {
    /// Takes a number of seconds.
    pub fn from_seconds(seconds: i64) -> Result<Self, ParseError> {
        if (3_600..=365 * 86_400).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(ParseError::new(
                "the idle expiry of a secret must be one hour to 365 days",
            ))
        }
    }

    /// Seconds.
    pub fn seconds(self) -> i64 {
        self.0
    }
}

/// In its largest whole unit: `24 hours`.
impl std::fmt::Display for IdleExpiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (count, unit) = match self.0 {
            seconds if seconds % 86_400 == 0 => (seconds / 86_400, "day"),
            seconds if seconds % 3_600 == 0 => (seconds / 3_600, "hour"),
            seconds => (seconds, "second"),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} {unit}{plural}")
    }
}

impl Serialize for IdleExpiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_between_an_hour_and_a_year_and_told_in_words() {
        for seconds in [i64::MIN, 0, 3_599, 365 * 86_400 + 1, i64::MAX] {
            assert!(IdleExpiry::from_seconds(seconds).is_err(), "{seconds}");
        }
        for (seconds, text) in [
            (3_600, "1 hour"),
            (86_400, "1 day"),
            (7_200, "2 hours"),
            (3_601, "3601 seconds"),
        ] {
            assert_eq!(IdleExpiry::from_seconds(seconds).unwrap().to_string(), text);
        }
    }
}
