//! Owns the revocations that bind, in memory: every verdict asks here and nowhere else. No database:
//! `revoke.rs` reads and writes there.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::clock::UnixTime;
use crate::base::sharded_map::Shards;
use crate::domain::{ClientCutoff, ClientId, Revocation, RevocationId, Revoked, TokenId};
use crate::jwt::{AccessTokenClaims, LEEWAY};
use crate::store::TrustedTime;

/// All revocations of tokens that a verifier could still accept.
#[derive(Debug, Default)]
pub struct RevocationSet {
    /// With the token's `exp`.
    tokens: Shards<TokenId, UnixTime>,
    clients: Shards<ClientId, Entry>,
    complete: AtomicBool,
    /// All up to this one have been read from the database.
    pub(crate) read_until: tokio::sync::Mutex<RevocationId>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    revocation_id: RevocationId,
    cut: ClientCutoff,
    expires_at: UnixTime,
}

impl RevocationSet {
    /// Makes a revocation bind. They may come more than once and in any order.
    pub fn insert(&self, revocation: &Revocation) {
        match revocation.revoked {
            Revoked::Token(token) => self.insert_token(token, revocation.expires_at),
            Revoked::Client(cut) => {
                let entry = Entry {
                    revocation_id: revocation.revocation_id,
                    cut,
                    expires_at: revocation.expires_at,
                };
                // The later one is what holds: it may be the client's being enabled again.
                self.clients
                    .insert_unless(revocation.client_id.clone(), entry, |old| {
                        old.revocation_id > entry.revocation_id
                    });
            }
        }
    }

    /// Makes the revocation of one token bind.
    pub fn insert_token(&self, token: TokenId, expires_at: UnixTime) {
        self.tokens.insert_unless(token, expires_at, |_| false);
    }

    /// Whether a token is revoked.
    pub fn contains(&self, claims: &AccessTokenClaims<'_>) -> bool {
        self.contains_token(claims.jti)
            || self
                .clients
                .get(&claims.client_id)
                .is_some_and(|entry| entry.cut.revokes(claims.iat))
    }

    /// Whether a token was revoked by its name.
    pub fn contains_token(&self, token: TokenId) -> bool {
        self.tokens.get(&token).is_some()
    }

    /// Which tokens of a client are revoked, when many are.
    pub fn find_cutoff(&self, id: &ClientId) -> Option<ClientCutoff> {
        self.clients.get(id).map(|entry| entry.cut)
    }

    /// Whether everything in the database has been read once. Before that no token can be called good.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    pub(crate) fn set_complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Drops what no verifier accepts any more in any case.
    pub fn prune(&self, now: TrustedTime) {
        let now = now.time();
        self.tokens.retain(|exp| exp.plus(LEEWAY) > now);
        self.clients
            .retain(|entry| entry.expires_at.plus(LEEWAY) > now);
    }

    /// How many there are: tokens, and clients with a cut-off.
    pub fn count(&self) -> (usize, usize) {
        (self.tokens.len(), self.clients.len())
    }
}
