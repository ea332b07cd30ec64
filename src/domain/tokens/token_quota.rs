//! Owns how many tokens a client may have in an hour, and how far it is with them. Knows nothing of how they are counted.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::domain::ParseError;

/// The span of a quota, in seconds: hours of the clock, as usage is counted.
pub const QUOTA_WINDOW: i64 = 3_600;

/// The most tokens that a client may have in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
pub struct TokenQuota(u32);

impl TokenQuota {
    /// The largest. Who wants more wants none.
    pub const MAX: u32 = 1_000_000_000;

    /// Takes a number of tokens.
    pub fn from_count(count: i64) -> Result<Self, ParseError> {
        u32::try_from(count)
            .ok()
            .filter(|count| (1..=Self::MAX).contains(count))
            .map(Self)
            .ok_or_else(|| {
                ParseError::new("a token quota must be 1 to 1000000000 tokens per hour; without one there is no limit")
            })
    }

    /// Tokens in an hour.
    pub fn count(self) -> u32 {
        self.0
    }

    /// From so many tokens of the hour on its client is warned: four fifths.
    pub fn warns_at(self) -> u32 {
        self.0 - self.0 / 5
    }
}

impl fmt::Display for TokenQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a client is with its quota in this hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaState {
    /// What it may have.
    pub quota: TokenQuota,
    /// What it has had.
    pub used: u32,
    /// When it begins anew.
    pub ends_at: UnixTime,
}

impl QuotaState {
    /// What it may have still.
    pub fn remaining(self) -> u32 {
        self.quota.count().saturating_sub(self.used)
    }

    /// Whether its client is to be warned.
    pub fn is_warning(self) -> bool {
        self.used >= self.quota.warns_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_at_least_one_token_and_warns_before_it_is_used_up() {
        for count in [i64::MIN, -1, 0, 1_000_000_001, i64::MAX] {
            assert!(TokenQuota::from_count(count).is_err(), "{count}");
        }
        for (count, warns_at) in [
            (1, 1),
            (4, 4),
            (5, 4),
            (100, 80),
            (1_000_000_000, 800_000_000),
        ] {
            let quota = TokenQuota::from_count(count).unwrap();
            assert_eq!(quota.warns_at(), warns_at);
            assert!(quota.warns_at() <= quota.count());
        }
    }
}
