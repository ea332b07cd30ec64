//! Room for the revocations of single tokens. A revocation is never refused or forgotten for want of it: all tokens of a
//! client are revoked in place of its single ones.

use crate::app::error::Result;
use crate::app::tokens::Tokens;
use crate::base::metrics::Counter;
use crate::domain::{ClientId, Origin, Revoked};
use crate::store::{ClientRevoked, FullRoom};

/// Clients that are looked for at once when the room of the server is full: looking for them reads all of memory.
const LARGEST: usize = 32;

#[derive(Debug, Default)]
pub(crate) struct Room {
    /// One at a time: whoever revokes meanwhile does not wait for it.
    folding: tokio::sync::Mutex<()>,
    of_client: Counter,
    of_server: Counter,
}

impl Room {
    /// Clients whose single revocations were folded for want of room, by whose room it was.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 2] {
        [
            (FullRoom::Client.as_str(), self.of_client.value()),
            (FullRoom::Server.as_str(), self.of_server.value()),
        ]
    }
}

impl Tokens {
    /// Makes room where a single revocation of this client was one too many. The revocation binds already; should this fail,
    /// the next one makes room.
    pub(in crate::app::tokens) async fn make_room(&self, id: &ClientId) {
        let limits = &self.core.config.token;
        let is_client_full = || self.revocations.count_of(id) > limits.max_client_revocations;
        let is_server_full = || self.revocations.count().0 > limits.max_revocations;
        if !is_client_full() && !is_server_full() {
            return;
        }
        let Ok(_folding) = self.room.folding.try_lock() else {
            return;
        };
        if is_client_full() {
            self.fold_or_warn(id, FullRoom::Client).await;
        }
        if is_server_full() {
            for largest in self.revocations.list_largest(LARGEST) {
                // Where the largest cannot be folded, smaller ones are not to suffer for it.
                if !is_server_full() || !self.fold_or_warn(&largest, FullRoom::Server).await {
                    return;
                }
            }
        }
    }

    /// False when it failed.
    async fn fold_or_warn(&self, id: &ClientId, room: FullRoom) -> bool {
        let folded = self.fold(id, room).await;
        if let Err(error) = &folded {
            tracing::warn!(
                client_id = %id,
                "there is no room for more revocations of single tokens, and the server cannot revoke all tokens of \
                    the client: {}",
                error.reason()
            );
        }
        folded.is_ok()
    }

    async fn fold(&self, id: &ClientId, room: FullRoom) -> Result<()> {
        let singles = self.revocations.count_of(id);
        let known = self.revocations.find_generation(id);
        let (floor, stamp) = self.stamp_raise(&Origin::SERVER);
        let store = self.core.database()?;
        let done = store
            .fold_revocations(id, known, floor, room, stamp)
            .await?;
        if matches!(done, ClientRevoked::NoClient | ClientRevoked::Unchanged) {
            // It was deleted, and its tokens were revoked with it; or another replica has folded it.
            self.read_revocations().await?;
            if self.revocations.find_generation(id) > known {
                return Ok(());
            }
        }
        self.revoked(id, &done)?;
        let counter = match room {
            FullRoom::Client => &self.room.of_client,
            FullRoom::Server => &self.room.of_server,
        };
        counter.inc();
        if let ClientRevoked::Revoked(revocation) = &done
            && let Revoked::Client(generation) = revocation.revoked
        {
            tracing::warn!(
                client_id = %id,
                room = room.as_str(),
                "revoked all tokens of the client below the generation {generation} instead of {singles} single ones, \
                    for which there is no room (MAX_CLIENT_REVOCATIONS, MAX_REVOCATIONS)"
            );
        }
        self.drop_needless(&done).await;
        Ok(())
    }
}
