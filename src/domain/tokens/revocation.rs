//! Owns what a revocation is: of one token, or of all that a client has.

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, Generation, TokenId, TokenTtl};

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

impl Generation {
    /// When the last token below this generation, which a client begins `now`, expires. A replica that is cut off from the
    /// database goes on issuing under the generation that it knows, but for no longer than an hour (`STALE_LIMIT`).
    pub fn last_expiry(self, now: UnixTime) -> UnixTime {
        now.max(self.time()).plus(2 * TokenTtl::MAX.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn the_clock_of_a_replica_that_is_behind_ends_no_revocation_early() {
        let generation = Generation::at(UnixTime(10 * DAY));

        for (now, end) in [(10, 12), (7, 12), (11, 13)] {
            let expiry = generation.last_expiry(UnixTime(now * DAY));
            assert_eq!(expiry, UnixTime(end * DAY), "{now}");
        }
    }
}
