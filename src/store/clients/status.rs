//! Owns the changes of a client that revoke its tokens: enable, disable, delete, revoke.

use serde_json::json;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, ClientCutoff, ClientEffect, ClientId, ClientStatus, Revocation, Stamp,
};
use crate::store::clients::record::lock_record;
use crate::store::clients::row::{lock_client, of_client};
use crate::store::tokens::insert_cutoff;
use crate::store::{Store, StoreError, WriteOptions};

/// What came of a change that revokes the tokens of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientRevoked {
    /// There is no such client.
    NoClient,
    /// It was as it should be already.
    Unchanged,
    /// It is not of the expected version.
    OtherVersion,
    /// They are revoked.
    Revoked(Revocation),
}

impl Store {
    /// Revokes what a client was issued up to `cutoff`.
    pub async fn revoke_client_tokens(
        &self,
        id: &ClientId,
        cutoff: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked, StoreError> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(client) = lock_client(&mut tx, id, ClientEffect::Restricts, stamp).await? else {
            return Ok(ClientRevoked::NoClient);
        };
        let disabled = client.status == ClientStatus::Disabled;
        let revocation =
            insert_cutoff(&mut tx, id, ClientCutoff { cutoff, disabled }, stamp.at).await?;
        let event =
            of_client(Action::ClientRevokeTokens, id).after(json!({ "issued_until": cutoff }));
        self.commit_events(tx, stamp, vec![event]).await?;
        Ok(ClientRevoked::Revoked(revocation))
    }

    /// Switches a client on or off and touches nothing else of it. Either way what it was issued up to
    /// `cutoff` is revoked, and all that it is ever issued while it is off.
    pub async fn set_client_status(
        &self,
        id: &ClientId,
        status: ClientStatus,
        cutoff: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked, StoreError> {
        const SQL: &str = "
            update clients
            set status = $2, updated_at = $3, version = version + 1
            where client_id = $1";
        let (action, disabled, effect) = match status {
            ClientStatus::Enabled => (Action::ClientEnable, false, ClientEffect::Changes),
            ClientStatus::Disabled => (Action::ClientDisable, true, ClientEffect::Restricts),
        };
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_client(&mut tx, id, effect, stamp).await? else {
            return Ok(ClientRevoked::NoClient);
        };
        // Switching on what is on must not revoke; switching off is done again to be sure of it.
        if before.status == status && !disabled {
            return Ok(ClientRevoked::Unchanged);
        }
        tx.execute(SQL, &[id, &status.as_str(), &stamp.at]).await?;
        let revocation =
            insert_cutoff(&mut tx, id, ClientCutoff { cutoff, disabled }, stamp.at).await?;
        let event = of_client(action, id)
            .before(json!({ "status": before.status }))
            .after(json!({ "status": status }));
        self.commit_events(tx, stamp, vec![event]).await?;
        Ok(ClientRevoked::Revoked(revocation))
    }

    /// Removes a client and its secrets, and revokes its tokens.
    pub async fn delete_client(
        &self,
        id: &ClientId,
        cutoff: UnixTime,
        options: &WriteOptions<'_>,
        stamp: Stamp<'_>,
    ) -> Result<ClientRevoked, StoreError> {
        const SQL: &str = "delete from clients where client_id = $1";
        let cut = ClientCutoff {
            cutoff,
            disabled: true,
        };
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_record(&mut tx, id, stamp).await? else {
            return Ok(ClientRevoked::NoClient);
        };
        if !options.expected.admits(&before.client) {
            return Ok(ClientRevoked::OtherVersion);
        }
        tx.execute(SQL, &[id]).await?;
        let revocation = insert_cutoff(&mut tx, id, cut, stamp.at).await?;
        let event = of_client(Action::ClientDelete, id).before(before);
        self.commit_events(tx, stamp, vec![event]).await?;
        Ok(ClientRevoked::Revoked(revocation))
    }
}
