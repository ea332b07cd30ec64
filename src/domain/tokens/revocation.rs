//! Owns what a revocation is: of one token, or of all that a client has.

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, TokenId, TokenTtl};

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
    /// One.
    Token(TokenId),
    /// Many of one client.
    Client(ClientCutoff),
}

/// Which tokens of a client are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientCutoff {
    /// Those with this `iat` or an earlier one. It is in whole seconds, so that the second of the cut-off is
    /// before and after it at once: it counts as before, and whoever issues a token later in that second
    /// dates it one second on.
    pub cutoff: UnixTime,
    /// All, whenever they were issued: the client is disabled or deleted.
    pub disabled: bool,
}

impl ClientCutoff {
    /// Whether it revokes a token issued at `iat`.
    pub fn revokes(self, iat: UnixTime) -> bool {
        self.disabled || iat <= self.cutoff
    }

    /// When the last token that it revokes expires. A replica that is cut off from the database may go on
    /// issuing for a client that is disabled meanwhile, but for no longer than an hour (`STALE_LIMIT`).
    pub fn expires_at(self) -> UnixTime {
        let days = if self.disabled { 2 } else { 1 };
        self.cutoff.plus(days * TokenTtl::MAX.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_the_cut_off_counts_as_before_it() {
        let mut cut = ClientCutoff {
            cutoff: UnixTime(100),
            disabled: false,
        };
        assert_eq!(
            [99, 100, 101].map(|iat| cut.revokes(UnixTime(iat))),
            [true, true, false]
        );

        cut.disabled = true;
        assert!(cut.revokes(UnixTime(i64::MAX)));
    }
}
