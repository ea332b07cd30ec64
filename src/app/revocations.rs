//! Owns the revocations that bind, in memory: [`App::verify_token`](super::App::verify_token) asks here and nowhere else.
//!
//! Nothing revokes a token yet, so this set is empty in a running server. It is the seam at which revoking
//! plugs in: whoever learns of a revocation inserts it here and every later verdict heeds it.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::clock::UnixTime;
use crate::domain::ClientId;
use crate::token::{AccessTokenClaims, LEEWAY};

/// Revoked tokens, and clients whose tokens issued before a moment are revoked.
#[derive(Debug, Default)]
pub struct Revocations(RwLock<Sets>);

#[derive(Debug, Default)]
struct Sets {
    /// By `jti`, with the token's `exp`.
    tokens: HashMap<String, UnixTime>,
    clients: HashMap<ClientId, UnixTime>,
}

impl Revocations {
    /// Revokes one token.
    pub fn insert_token(&self, jti: &str, exp: UnixTime) {
        self.write(|sets| {
            sets.tokens.insert(jti.to_owned(), exp);
        });
    }

    /// Revokes all tokens of a client that were issued before `cutoff`.
    pub fn insert_client(&self, id: &ClientId, cutoff: UnixTime) {
        self.write(|sets| {
            let latest = sets.clients.entry(id.clone()).or_insert(cutoff);
            *latest = (*latest).max(cutoff);
        });
    }

    /// Whether a token is revoked.
    pub fn contains(&self, claims: &AccessTokenClaims) -> bool {
        let sets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sets.tokens.contains_key(&claims.jti)
            || sets
                .clients
                .get(&claims.client_id)
                .is_some_and(|cutoff| claims.iat < *cutoff)
    }

    /// Drops the tokens that no verifier accepts any more in any case.
    pub fn prune(&self, now: UnixTime) {
        self.write(|sets| sets.tokens.retain(|_, exp| exp.plus(LEEWAY) > now));
    }

    fn write(&self, change: impl FnOnce(&mut Sets)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
