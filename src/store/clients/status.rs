//! Owns the changes of a client that revoke its tokens: disable, delete, revoke; and enable, which revokes nothing.

use serde_json::json;

use crate::domain::{
    Action, Change, Client, ClientEffect, ClientId, ClientStatus, ExpectedVersion, Generation,
    NewEvent, Revocation, Stamp,
};
use crate::store::clients::record::lock_any_record;
use crate::store::clients::row::{lock_any_client, lock_client, of_client};
use crate::store::db::Tx;
use crate::store::tokens::generation::raise_generation;
use crate::store::tokens::revocations::{below_generation, find_generation};
use crate::store::{Result, Store, StoreError, WriteOptions};

/// What came of a change that may revoke the tokens of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientRevoked {
    /// There is no such client.
    NoClient,
    /// It was as it should be already.
    Unchanged,
    /// It is not of the expected version.
    OtherVersion,
    /// It was changed, and its tokens count as before.
    Enabled,
    /// They are revoked.
    Revoked(Revocation),
}

/// Whose room for the revocations of single tokens is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullRoom {
    /// That of one client.
    Client,
    /// That of all clients together.
    Server,
}

impl FullRoom {
    /// The word for it in events and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl Store {
    /// Revokes all that a client was issued, by a generation that is not below `floor`.
    pub async fn revoke_client_tokens(
        &self,
        id: &ClientId,
        floor: Generation,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let locked = lock_any_client(&mut tx, id, ClientEffect::Restricts, stamp).await?;
        if locked.is_none() {
            return Ok(ClientRevoked::NoClient);
        }
        let generation = raise_generation(&mut tx, id, floor).await?;
        let event =
            of_client(Action::ClientRevokeTokens, id).after(json!({ "generation": generation }));
        self.commit_generation(tx, id, generation, event, stamp)
            .await
    }

    /// Revokes all that a client was issued in place of single tokens, for which there is no room. Another replica may have
    /// done so: where the client has a generation above the `known` one, it stays as it is.
    pub async fn fold_revocations(
        &self,
        id: &ClientId,
        known: Option<Generation>,
        floor: Generation,
        room: FullRoom,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let locked = lock_client(&mut tx, id, ClientEffect::Restricts, stamp).await?;
        if locked.is_none() {
            return Ok(ClientRevoked::NoClient);
        }
        if find_generation(&mut tx, id).await? > known {
            return Ok(ClientRevoked::Unchanged);
        }
        let generation = raise_generation(&mut tx, id, floor).await?;
        let event = of_client(Action::ClientFoldRevocations, id)
            .after(json!({ "generation": generation, "room": room.as_str() }));
        self.commit_generation(tx, id, generation, event, stamp)
            .await
    }

    /// Switches a client on or off and touches nothing else of it. Switching it off revokes all that it was issued, and what
    /// a replica issues that has not heard of it yet. With the client as it is now; `None`: there is none, or nobody can read
    /// it, since its row is damaged.
    pub async fn set_client_status(
        &self,
        id: &ClientId,
        status: ClientStatus,
        floor: Generation,
        stamp: Stamp<'_>,
    ) -> Result<(ClientRevoked, Option<Client>)> {
        const SQL: &str = "
            update clients
            set status = $2, updated_at = $3, version = version + 1
            where client_id = $1";
        let (action, effect) = match status {
            ClientStatus::Enabled => (Action::ClientEnable, ClientEffect::Changes),
            ClientStatus::Disabled => (Action::ClientDisable, ClientEffect::Restricts),
        };
        let disabled = status == ClientStatus::Disabled;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let mut client = match lock_any_client(&mut tx, id, effect, stamp).await? {
            None => return Ok((ClientRevoked::NoClient, None)),
            Some(Ok(client)) => Some(client),
            Some(Err(_)) if disabled => None,
            Some(Err(damage)) => return Err(damage),
        };
        let before = client.as_ref().map(|client| client.status);
        // Switching off is done again to be sure of it.
        if before == Some(status) && !disabled {
            return Ok((ClientRevoked::Unchanged, client));
        }
        tx.execute(SQL, &[id, &status.as_str(), &stamp.at]).await?;
        if let Some(client) = &mut client {
            client.status = status;
            client.updated_at = stamp.at;
            client.version = client.version.next();
        }
        let event = of_client(action, id)
            .before(json!({ "status": before }))
            .after(json!({ "status": status }));
        if !disabled {
            let changes = vec![Change::Client(id.clone())];
            self.commit_changes(tx, stamp, changes, vec![event]).await?;
            return Ok((ClientRevoked::Enabled, client));
        }
        let generation = raise_generation(&mut tx, id, floor).await?;
        if let Some(client) = &mut client {
            client.generation = generation;
        }
        let revoked = self.commit_generation(tx, id, generation, event, stamp);
        Ok((revoked.await?, client))
    }

    /// Deletes a client and its secrets, and revokes its tokens.
    pub async fn delete_client(
        &self,
        id: &ClientId,
        floor: Generation,
        options: &WriteOptions<'_>,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked> {
        const SQL: &str = "delete from clients where client_id = $1";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let event = of_client(Action::ClientDelete, id);
        let event = match lock_any_record(&mut tx, id, stamp).await? {
            None => return Ok(ClientRevoked::NoClient),
            Some(Ok(before)) if options.expected.admits(&before.client) => event.before(before),
            Some(Ok(_)) => return Ok(ClientRevoked::OtherVersion),
            Some(Err(damage)) if options.expected == ExpectedVersion::Any => {
                event.before(json!({ "damaged": damage.to_string() }))
            }
            Some(Err(damage)) => return Err(damage),
        };
        let generation = raise_generation(&mut tx, id, floor).await?;
        tx.execute(SQL, &[id]).await?;
        self.commit_generation(tx, id, generation, event, stamp)
            .await
    }

    /// Ends a transaction that has raised the generation of a client, with the event of what was done.
    async fn commit_generation(
        &self,
        tx: Tx<'_>,
        id: &ClientId,
        generation: Generation,
        event: NewEvent,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked> {
        let revocations = vec![below_generation(id, generation, stamp.at)];
        let appended = self.commit_revocations(tx, stamp, revocations, Vec::new(), vec![event]);
        let first = appended.await?.into_iter().next();
        first
            .map(ClientRevoked::Revoked)
            .ok_or_else(|| StoreError::Corrupt("no revocation was appended".to_owned()))
    }
}
