//! Finds the revocations that the database has lost, and writes them back: this replica knows them since before a restore, or
//! before a fail-over to a server that lacked the last commits.

use std::collections::{HashMap, HashSet};

use crate::app::error::Result;
use crate::app::tokens::Tokens;
use crate::domain::{
    ClientId, Generation, Origin, Revocation, RevocationId, Revoked, RevokedToken, TokenId,
};
use crate::jwt::LEEWAY;

/// Rows of one transaction: others wait while it holds the lock on the end of the audit trail.
const WRITTEN: usize = 500;

/// Revocations that this replica knows and the database lacks.
#[derive(Debug, Default)]
pub(crate) struct LostRevocations {
    tokens: Vec<(ClientId, RevokedToken)>,
    clients: Vec<(ClientId, Generation)>,
    /// That of all clients.
    floor: Generation,
}

/// How many revocations the database took back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WrittenBack {
    /// Of single tokens.
    pub(crate) tokens: u64,
    /// Generations of clients.
    pub(crate) clients: u64,
}

#[derive(Default)]
struct Stored {
    tokens: HashSet<TokenId>,
    clients: HashMap<ClientId, Generation>,
}

impl Tokens {
    /// What the database lacks of the revocations in memory. Those that are read of it bind from then on.
    pub(crate) async fn find_lost_revocations(&self) -> Result<LostRevocations> {
        let stored = self.read_stored_revocations().await?;
        let now = self.core.now();
        let mut lost = LostRevocations {
            floor: self.revocations.floor(),
            ..LostRevocations::default()
        };
        self.revocations.for_each(|id, revoked, expires_at| {
            if expires_at.plus(LEEWAY) <= now {
                return;
            }
            match revoked {
                Revoked::Client(generation) if stored.clients.get(id) < Some(&generation) => {
                    lost.clients.push((id.clone(), generation));
                }
                Revoked::Token(token) if !stored.tokens.contains(&token.jti) => {
                    lost.tokens.push((id.clone(), token));
                }
                Revoked::Client(_) | Revoked::Token(_) => {}
            }
        });
        Ok(lost)
    }

    /// Writes them to the database. What another replica has written back meanwhile is not counted.
    pub(crate) async fn write_back(&self, lost: &LostRevocations) -> Result<WrittenBack> {
        let store = &self.core.store;
        let mut written = WrittenBack::default();
        store.raise_floor(lost.floor).await?;
        for clients in lost.clients.chunks(WRITTEN) {
            let stamp = self.core.stamp(&Origin::SERVER);
            written.clients += store.write_back_generations(clients, stamp).await?;
        }
        for tokens in lost.tokens.chunks(WRITTEN) {
            let stamp = self.core.stamp(&Origin::SERVER);
            written.tokens += store.write_back_tokens(tokens, stamp).await?;
        }
        for (id, _) in &lost.clients {
            self.cache.forget(id);
        }
        Ok(written)
    }

    async fn read_stored_revocations(&self) -> Result<Stored> {
        let mut stored = Stored::default();
        let each = |revocation: &Revocation| match revocation.revoked {
            Revoked::Token(token) => {
                stored.tokens.insert(token.jti);
            }
            Revoked::Client(generation) => {
                let id = revocation.client_id.clone();
                stored.clients.insert(id, generation);
            }
        };
        self.bind_stored(&mut RevocationId::default(), each).await?;
        Ok(stored)
    }
}
