//! Owns the ends of secrets that follow from their use, so long after the last one, or from a secret that replaces them.
//! Knows nothing of how uses are counted.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::domain::seconds_type;

/// The idle expiry of a secret, in seconds: one hour to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
pub struct IdleExpiry(i64);

seconds_type!(
    IdleExpiry,
    3_600..=365 * 86_400,
    "the idle expiry of a secret must be one hour to 365 days"
);

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

/// When the live secrets end that a client had before a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldSecrets {
    /// Those that nothing else ends stay.
    Stay,
    /// At this time, unless a secret ends earlier.
    ExpireAt(UnixTime),
    /// Each so long after its last use.
    ExpireUnused(IdleExpiry),
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
