//! Owns adding and changing one client, and which file keeps which client.

use crate::domain::{
    Action, Change, Client, ClientChanges, ClientEffect, ClientId, ClientRecord, ManagedBy, Stamp,
};
use crate::store::clients::record::{insert_record, lock_record, replace_scopes};
use crate::store::clients::row::{lock_client, of_client, replace_row};
use crate::store::issuers::identities::replace_identities;
use crate::store::tokens::generation::begin_generations;
use crate::store::{Result, Store, WriteOptions};

/// Which part of the list of clients to read.
#[derive(Clone, Debug)]
pub struct ClientsPage {
    /// Only clients after this one, in the order of the list.
    pub after: Option<ClientId>,
    /// At most so many.
    pub limit: u32,
}

/// The outcome of changing a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientChanged {
    /// The client was changed and is this now.
    Changed(Box<Client>),
    /// There is no such client.
    NoClient,
    /// The client does not have an expected version.
    OtherVersion,
}

/// The outcome of adding a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientInserted {
    /// The client was added.
    Inserted,
    /// The id is taken.
    Conflict,
    /// The same request was answered before.
    Repeated,
}

impl Store {
    /// Adds a client with its secrets. No change is appended for replicas, since none of them caches that a client is
    /// missing; but all cache whom a subject of an issuer names.
    pub async fn insert_client(
        &self,
        record: &ClientRecord,
        options: &WriteOptions<'_>,
        stamp: Stamp<'_>,
    ) -> Result<ClientInserted> {
        let client = &record.client;
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        if !options.store_response(&mut tx).await? {
            return Ok(ClientInserted::Repeated);
        }
        stamp.by.actor.check_grant(None, client)?;
        if !insert_record(&mut tx, record, stamp.at).await? {
            return Ok(ClientInserted::Conflict);
        }
        begin_generations(&mut tx, &[&client.client_id], stamp.at).await?;
        let event = of_client(Action::ClientCreate, &client.client_id).after(record);
        let has_identities = !client.authentication.identities.is_empty();
        let changes = has_identities.then_some(Change::Issuer);
        let changes = changes.into_iter().collect();
        self.commit_changes(tx, stamp, changes, vec![event]).await?;
        Ok(ClientInserted::Inserted)
    }

    /// Changes the fields that `changes` names and no other, so that two changes at once do not undo each other.
    pub async fn update_client(
        &self,
        id: &ClientId,
        changes: &ClientChanges,
        options: &WriteOptions<'_>,
        stamp: Stamp<'_>,
    ) -> Result<ClientChanged> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_client(&mut tx, id, ClientEffect::Changes, stamp).await? else {
            return Ok(ClientChanged::NoClient);
        };
        if !options.expected.admits(&before) {
            return Ok(ClientChanged::OtherVersion);
        }
        let mut after = before.clone();
        changes.clone().apply_to(&mut after);
        after.updated_at = stamp.at;
        stamp.by.actor.check_grant(Some(&before), &after)?;
        if after.scopes != before.scopes {
            replace_scopes(&mut tx, id, &after.scopes).await?;
        }
        let mut told = vec![Change::Client(id.clone())];
        let identities = &after.authentication.identities;
        if *identities != before.authentication.identities {
            replace_identities(&mut tx, id, identities).await?;
            told.push(Change::Issuer);
        }
        replace_row(&mut tx, &mut after).await?;
        let event = of_client(Action::ClientUpdate, id).difference(&before, &after);
        self.commit_changes(tx, stamp, told, vec![event]).await?;
        Ok(ClientChanged::Changed(Box::new(after)))
    }

    /// The clients that this file keeps.
    pub async fn list_managed_clients(&self, managed_by: &ManagedBy) -> Result<Vec<ClientId>> {
        const SQL: &str = "
            select client_id
            from clients
            where managed_by = $1
            order by client_id";
        self.fetch_all(SQL, &[&managed_by.as_str()], |row| row.parse(0))
            .await
    }

    /// Lets no file keep this client any more; the client as it is now, `None`: there is no such client. One that no file
    /// keeps is left as it is.
    pub async fn release_client(&self, id: &ClientId, stamp: Stamp<'_>) -> Result<Option<Client>> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_record(&mut tx, id, stamp).await? else {
            return Ok(None);
        };
        if before.client.managed_by.is_none() {
            return Ok(Some(before.client));
        }
        let mut after = before.clone();
        after.client.managed_by = None;
        after.client.updated_at = stamp.at;
        replace_row(&mut tx, &mut after.client).await?;
        let event = of_client(Action::ClientRelease, id).difference(&before, &after);
        let changes = vec![Change::Client(id.clone())];
        self.commit_changes(tx, stamp, changes, vec![event]).await?;
        Ok(Some(after.client))
    }
}
