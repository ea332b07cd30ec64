//! Owns how revocations are written that the database had and lost.

use serde_json::json;

use crate::domain::{Action, ClientId, Generation, NewEvent, RevokedToken, Stamp, Target};
use crate::store::tokens::queue::{RevocationTrail, TokenRevocation};
use crate::store::tokens::revocations::below_generation;
use crate::store::{Store, StoreError};

impl Store {
    /// Raises the generation below which every token is revoked.
    pub async fn raise_floor(&self, floor: Generation) -> Result<(), StoreError> {
        const SQL: &str = "update installation set generation = $1 where generation < $1";
        if floor > Generation::default() {
            self.execute(SQL, &[&floor]).await?;
        }
        Ok(())
    }

    /// Raises the generations of clients, which may not exist any more, where they are lower; how many were.
    pub async fn write_back_generations(
        &self,
        lost: &[(ClientId, Generation)],
        stamp: Stamp<'_>,
    ) -> Result<u64, StoreError> {
        const RAISE: &str =
            "update clients set generation = $2 where client_id = $1 and generation < $2";
        const KNOWN: &str = "
            select client_id
            from revocations
            where client_id = $1 and jti is null and generation >= $2";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        for (id, generation) in lost {
            tx.execute(RAISE, &[id, generation]).await?;
        }
        let mut revocations = Vec::new();
        for (id, generation) in lost {
            let known = tx
                .fetch_optional(KNOWN, &[id, generation], |_| Ok(()))
                .await?;
            if known.is_none() {
                revocations.push(below_generation(id, *generation, stamp.at));
            }
        }
        let written = revocations.len() as u64;
        if written > 0 {
            let events = vec![written_back(0, written)];
            self.commit_revocations(tx, stamp, revocations, Vec::new(), events)
                .await?;
        }
        Ok(written)
    }

    /// Revokes tokens that are not revoked; how many were not.
    pub async fn write_back_tokens(
        &self,
        lost: &[(ClientId, RevokedToken)],
        stamp: Stamp<'_>,
    ) -> Result<u64, StoreError> {
        let revocations = lost.iter().map(|(client_id, token)| {
            TokenRevocation::new(*token, client_id, RevocationTrail::Count, stamp)
        });
        let revocations: Vec<_> = revocations.collect();
        let revocations: Vec<_> = revocations.iter().collect();
        let written = self.write_revocations(&revocations).await?.len() as u64;
        if written > 0 {
            self.append_event(written_back(written, 0), stamp).await?;
        }
        Ok(written)
    }
}

fn written_back(tokens: u64, clients: u64) -> NewEvent {
    NewEvent::new(Action::RevocationsWriteBack, Target::Installation)
        .after(json!({ "tokens": tokens, "clients": clients }))
}
