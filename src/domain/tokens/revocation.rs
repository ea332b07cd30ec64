//! Owns what a revocation is: of one token, or of all that a client has, by its generation.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, ParseError, TokenId, TokenTtl};

/// The place of a revocation in the order in which they were committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevocationId(pub i64);

/// Tokens that no longer count, though their signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its place among all.
    pub revocation_id: RevocationId,
    /// Whose tokens.
    pub client_id: ClientId,
    /// Which of them.
    pub revoked: Revoked,
    /// When it was said.
    pub revoked_at: UnixTime,
    /// When the last of these tokens expires.
    pub expires_at: UnixTime,
}

/// Which tokens are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// A single token.
    Token(RevokedToken),
    /// All tokens of the client below this generation.
    Client(Generation),
}

/// A single token that is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedToken {
    /// Its name.
    pub jti: TokenId,
    /// Its generation. Once its client has a higher one, its own revocation is needless.
    pub generation: Generation,
    /// When it expires.
    pub expires_at: UnixTime,
}

/// Milliseconds since 1970, at its creation or its last increase; it only grows. A token carries the generation that
/// its client has when the token is issued, and is revoked when the client has a higher one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema,
)]
#[serde(transparent)]
pub struct Generation(i64);

impl Generation {
    /// The generation of a client that is not stored yet.
    pub const ZERO: Self = Self(0);

    /// Takes a number that is not negative.
    pub fn from_number(number: i64) -> Result<Self, ParseError> {
        if number >= 0 {
            Ok(Self(number))
        } else {
            Err(ParseError::new("a generation cannot be negative"))
        }
    }

    /// The lowest generation that can be begun at this time.
    pub fn at(time: UnixTime) -> Self {
        Self(time.0.saturating_mul(1_000).max(0))
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The lowest generation above this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The second in which it was begun, or later.
    pub fn time(self) -> UnixTime {
        UnixTime(self.0 / 1_000)
    }

    /// When the last token below this generation, which a client begins `now`, expires. A replica that is cut off from the
    /// database goes on issuing under the generation that it knows, but for no longer than an hour (`STALE_LIMIT`).
    pub fn last_expiry(self, now: UnixTime) -> UnixTime {
        now.max(self.time()).plus(2 * TokenTtl::MAX.seconds())
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Generation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_number(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json;

    const DAY: i64 = 86_400;

    #[test]
    fn a_generation_is_a_whole_number_that_is_not_negative() {
        for text in ["0", "1795940508350", "9223372036854775807"] {
            let read: Generation = json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        for text in [
            "-1",
            "1.0",
            "1e3",
            "\"1\"",
            "null",
            "[1]",
            "9223372036854775808",
        ] {
            assert!(json::from_str::<Generation>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_generation_follows_time_and_stays_within_its_bounds() {
        assert_eq!(Generation::at(UnixTime(7)).number(), 7_000);
        assert_eq!(Generation::at(UnixTime(7)).next().time(), UnixTime(7));
        assert_eq!(Generation::at(UnixTime(-7)), Generation::default());
        let last = Generation::at(UnixTime(i64::MAX));
        assert_eq!(last.next(), last);
    }

    #[test]
    fn the_clock_of_a_replica_that_is_behind_ends_no_revocation_early() {
        let generation = Generation::at(UnixTime(10 * DAY));
        for (now, end) in [(10, 12), (7, 12), (11, 13)] {
            let expiry = generation.last_expiry(UnixTime(now * DAY));
            assert_eq!(expiry, UnixTime(end * DAY), "{now}");
        }
    }
}
