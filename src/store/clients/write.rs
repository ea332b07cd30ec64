//! Owns adding and changing one client.

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Client, ClientChanges, ClientCutoff, ClientId, ClientRecord, ClientStatus,
    ExpectedVersion, Stamp,
};
use crate::store::clients::record::{insert_record, lock_record};
use crate::store::clients::row::{of_client, replace_row};
use crate::store::clients::scope_index::replace_scopes;
use crate::store::idempotency::{StoredResponse, store_response};
use crate::store::tokens::{insert_cutoff, list_disabled};
use crate::store::{Store, StoreError};

/// Which part of the list of clients to read.
#[derive(Clone, Debug)]
pub struct ClientsPage {
    /// Only clients after this one, in the order of the list.
    pub after: Option<ClientId>,
    /// At most so many.
    pub limit: u32,
}

/// What came of a change of a client that is expected to be of some version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientChanged {
    /// It was made.
    Changed,
    /// There is no such client.
    NoClient,
    /// It is of another version.
    OtherVersion,
}

/// What came of adding a client once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientInserted {
    /// It was added.
    Inserted,
    /// Its id is taken.
    Conflict,
    /// The same was done before.
    Remembered,
}

impl Store {
    /// Adds a client with its secrets; [`StoreError::Conflict`] when its id is taken.
    pub async fn insert_client(
        &self,
        record: &ClientRecord,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        match self.insert_client_once(record, None, stamp).await? {
            ClientInserted::Inserted => Ok(()),
            ClientInserted::Conflict | ClientInserted::Remembered => Err(StoreError::Conflict),
        }
    }

    /// Adds a client with its secrets, and keeps what is answered; neither when the same was done before. Replicas are not
    /// told: none remembers that a client is not there.
    pub async fn insert_client_once(
        &self,
        record: &ClientRecord,
        answer: Option<&StoredResponse>,
        stamp: Stamp<'_>,
    ) -> Result<ClientInserted, StoreError> {
        let client = &record.client;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if let Some(answer) = answer
            && !store_response(&mut tx, answer).await?
        {
            return Ok(ClientInserted::Remembered);
        }
        stamp.by.actor.check_grant(&client.scopes)?;
        if !insert_record(&mut tx, record, stamp.at).await? {
            return Ok(ClientInserted::Conflict);
        }
        // A deleted client's tokens are revoked whenever they were issued; this one's are not.
        if list_disabled(&mut tx)
            .await?
            .contains(client.client_id.as_str())
        {
            let cut = ClientCutoff {
                cutoff: client.created_at,
                disabled: client.status == ClientStatus::Disabled,
            };
            insert_cutoff(&mut tx, &client.client_id, cut, client.created_at).await?;
        }
        let event = of_client(Action::ClientCreate, &client.client_id).after(record);
        self.commit_events(tx, stamp, vec![event]).await?;
        Ok(ClientInserted::Inserted)
    }

    /// Changes what `changes` names and nothing else, so that two changes at once do not undo each other; false when there is no such client.
    pub async fn update_client(
        &self,
        id: &ClientId,
        changes: &ClientChanges,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
        let any = ExpectedVersion::Any;
        let done = self.update_expected_client(id, &any, changes, stamp);
        Ok(done.await? == ClientChanged::Changed)
    }

    /// The same for a client of the expected version only.
    pub async fn update_expected_client(
        &self,
        id: &ClientId,
        expected: &ExpectedVersion,
        changes: &ClientChanges,
        stamp: Stamp<'_>,
    ) -> Result<ClientChanged, StoreError> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_record(&mut tx, id, stamp).await? else {
            return Ok(ClientChanged::NoClient);
        };
        if !expected.admits(&before.client) {
            return Ok(ClientChanged::OtherVersion);
        }
        if let Some(scopes) = &changes.scopes {
            stamp.by.actor.check_grant(scopes)?;
            replace_scopes(&mut tx, id, scopes).await?;
        }
        let after = ClientRecord {
            client: changed(&before.client, changes.clone(), stamp.at),
            secrets: before.secrets.clone(),
        };
        replace_row(&mut tx, &after.client).await?;
        let event = of_client(Action::ClientUpdate, id).difference(before, after);
        self.commit_client_change(tx, id, event, stamp).await?;
        Ok(ClientChanged::Changed)
    }
}

fn changed(before: &Client, changes: ClientChanges, now: UnixTime) -> Client {
    let before = before.clone();
    Client {
        name: changes.name.unwrap_or(before.name),
        description: changes.description.unwrap_or(before.description),
        scopes: changes.scopes.unwrap_or(before.scopes),
        audiences: changes.audiences.unwrap_or(before.audiences),
        metadata: changes.metadata.unwrap_or(before.metadata),
        token_ttl: changes.token_ttl.unwrap_or(before.token_ttl),
        token_quota: changes.token_quota.unwrap_or(before.token_quota),
        allowed_networks: changes.allowed_networks.unwrap_or(before.allowed_networks),
        authentication: before.authentication.changed(changes.authentication),
        sender_constraint: before.sender_constraint.changed(changes.sender_constraint),
        updated_at: now,
        ..before
    }
}
