//! Registering clients and changing them.

use crate::app::error::{Error, Result};
use crate::app::secrets::crud::{AddedSecret, NewSecret};
use crate::app::{App, Once};
use crate::base::secret::{Secret, random_base62};
use crate::domain::{
    AllowedNetworks, Audience, AuthenticationSettings, Client, ClientChanges, ClientId, ClientKeys,
    ClientRecord, ClientSecret, ClientStatus, Description, ErrorCode, ExpectedVersion, Metadata,
    Name, Origin, Scope, SenderConstraint, TokenQuota, TokenTtl,
};
use crate::store::{ClientChanged, ClientInserted, ClientsOrder, ClientsPart, StoreError};

/// A client to be registered.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// `None`: one is made up.
    pub client_id: Option<ClientId>,
    /// What people call it.
    pub name: Name,
    /// What it is for.
    pub description: Description,
    /// All it may ask for.
    pub scopes: Scope,
    /// Whom its tokens may be for.
    pub audiences: Vec<Audience>,
    /// What its tokens say of it.
    pub metadata: Metadata,
    /// How long its tokens live.
    pub token_ttl: Option<TokenTtl>,
    /// How many tokens it may have in an hour.
    pub token_quota: Option<TokenQuota>,
    /// From where it may log in.
    pub allowed_networks: AllowedNetworks,
    /// How it may prove who it is.
    pub authentication: AuthenticationSettings,
    /// To what its tokens must be bound.
    pub sender_constraint: SenderConstraint,
}

impl NewClient {
    /// A client of which this is said.
    pub fn new(client_id: Option<ClientId>, said: ClientChanges) -> Self {
        Self {
            client_id,
            name: said.name.unwrap_or_default(),
            description: said.description.unwrap_or_default(),
            scopes: said.scopes.unwrap_or_default(),
            audiences: said.audiences.unwrap_or_default(),
            metadata: said.metadata.unwrap_or_default(),
            token_ttl: said.token_ttl.flatten(),
            token_quota: said.token_quota.flatten(),
            allowed_networks: said.allowed_networks.unwrap_or_default(),
            authentication: AuthenticationSettings::default().changed(said.authentication),
            sender_constraint: SenderConstraint::default().changed(said.sender_constraint),
        }
    }
}

/// A part of the list of clients.
#[derive(Clone, Debug)]
pub struct ClientsList {
    /// The clients.
    pub clients: Vec<Client>,
    /// Where the next part begins, if there is one, for [`ClientsOrder::parse_place`](crate::store::ClientsOrder).
    pub after: Option<String>,
}

impl App {
    /// Registers a client with its first secret, which is returned this once.
    pub async fn register_client(
        &self,
        by: &Origin,
        new: NewClient,
        secret: NewSecret,
    ) -> Result<(Client, AddedSecret)> {
        let added = self.prepare_secret(secret).await?;
        let client = self.insert(by, new, vec![added.secret.clone()]).await?;
        Ok((client, added))
    }

    /// Registers a client without a secret, which proves who it is in another way.
    pub async fn register_client_without_secret(
        &self,
        by: &Origin,
        new: NewClient,
    ) -> Result<Client> {
        self.insert(by, new, Vec::new()).await
    }

    /// Registers a client, with a first secret if it may log in with one, for a caller who may ask for the very same
    /// again: what is answered is kept, and is the answer then too.
    pub async fn register_client_once(
        &self,
        by: &Origin,
        new: NewClient,
        secret: Option<NewSecret>,
        once: Option<&Once>,
        answer: impl FnOnce(&Client, Option<&AddedSecret>) -> Result<Secret<String>>,
    ) -> Result<Secret<String>> {
        if let Some(once) = once
            && let Some(answer) = self.recall(once).await?
        {
            return Ok(answer);
        }
        let added = match secret {
            Some(secret) => Some(self.prepare_secret(secret).await?),
            None => None,
        };
        let secrets = added.iter().map(|added| added.secret.clone());
        let record = self.prepare_client(new, secrets.collect())?;
        let answer = answer(&record.client, added.as_ref())?;
        let kept = once
            .map(|once| self.remembered(once, &answer))
            .transpose()?;
        let stamp = by.at(record.client.created_at);
        let inserted = self.store.insert_client_once(&record, kept.as_ref(), stamp);
        match inserted.await? {
            ClientInserted::Inserted => {
                self.registered(&record.client.client_id).await;
                Ok(answer)
            }
            ClientInserted::Conflict => Err(taken(&record.client.client_id)),
            ClientInserted::Remembered => self.recall_now(once).await,
        }
    }

    async fn insert(
        &self,
        by: &Origin,
        new: NewClient,
        secrets: Vec<ClientSecret>,
    ) -> Result<Client> {
        let record = self.prepare_client(new, secrets)?;
        let stamp = by.at(record.client.created_at);
        match self.store.insert_client(&record, stamp).await {
            Err(StoreError::Conflict) => return Err(taken(&record.client.client_id)),
            inserted => inserted?,
        }
        self.registered(&record.client.client_id).await;
        Ok(record.client)
    }

    fn prepare_client(&self, new: NewClient, secrets: Vec<ClientSecret>) -> Result<ClientRecord> {
        self.check_authentication(&new.authentication)?;
        if let Some(id) = &new.client_id {
            id.check_new()?;
        }
        let now = self.clock.now();
        let client = Client {
            client_id: match new.client_id {
                Some(id) => id,
                None => ClientId::parse(&random_base62(20))?,
            },
            name: new.name,
            description: new.description,
            status: ClientStatus::Enabled,
            scopes: new.scopes,
            audiences: new.audiences,
            metadata: new.metadata,
            token_ttl: new.token_ttl,
            token_quota: new.token_quota,
            allowed_networks: new.allowed_networks,
            authentication: new.authentication,
            sender_constraint: new.sender_constraint,
            managed_by: None,
            created_at: now,
            updated_at: now,
        };
        Ok(ClientRecord { client, secrets })
    }

    /// Ends every registration.
    async fn registered(&self, id: &ClientId) {
        self.directory.forget(id);
        if self.revocations.find_cutoff(id).is_some() {
            // There was a client of this id, whose tokens are revoked; those of this one are not. Should
            // this fail, the feed says it again.
            let _ = self.read_revocations().await;
        }
    }

    /// Refuses what could never be used: a method without what it needs, a host that is not allowed.
    pub(in crate::app) fn check_authentication(
        &self,
        settings: &AuthenticationSettings,
    ) -> Result<()> {
        settings.check()?;
        match &settings.keys {
            Some(ClientKeys::Uri(uri)) if !self.published_keys.allows(uri) => {
                Err(Error::invalid_request(format!(
                    "JWKS_URI_HOSTS does not have `{}`, so nothing could be fetched from {uri}",
                    uri.authority()
                )))
            }
            Some(ClientKeys::Uri(_) | ClientKeys::Inline(_)) | None => Ok(()),
        }
    }

    /// The client with its secrets, as the store has it now.
    pub async fn find_client(&self, id: &ClientId) -> Result<ClientRecord> {
        self.store
            .find_client(id)
            .await?
            .ok_or_else(|| no_client(id))
    }

    /// A part of the list of clients, in any order that there is. What begins so or has a scope is listed by id:
    /// in any other order all of that would have to be sorted.
    pub async fn list_clients_in_order(&self, part: &ClientsPart) -> Result<ClientsList> {
        if part.filter.is_search() && part.order != ClientsOrder::ClientId {
            return Err(Error::invalid_request(
                "a search by the beginning of ids or names, or by a scope, is in the order `client_id`",
            ));
        }
        // One more tells whether there is another part.
        let one_more = ClientsPart {
            limit: part.limit.saturating_add(1),
            ..part.clone()
        };
        let mut clients = self.store.list_clients_in_order(&one_more).await?;
        let limit = usize::try_from(part.limit).unwrap_or(usize::MAX);
        let has_more = clients.len() > limit;
        clients.truncate(limit);
        let last = clients.last().filter(|_| has_more);
        let after = last.map(|client| part.order.place_of(client));
        Ok(ClientsList { clients, after })
    }

    /// Changes a client.
    pub async fn update_client(
        &self,
        by: &Origin,
        id: &ClientId,
        changes: ClientChanges,
    ) -> Result<Client> {
        let any = ExpectedVersion::Any;
        self.update_expected_client(by, id, &any, changes).await
    }

    /// Changes a client if it is still as expected.
    pub async fn update_expected_client(
        &self,
        by: &Origin,
        id: &ClientId,
        expected: &ExpectedVersion,
        changes: ClientChanges,
    ) -> Result<Client> {
        if !changes.authentication.are_empty() {
            let now = self.find_client(id).await?.client.authentication;
            self.check_authentication(&now.changed(changes.authentication.clone()))?;
        }
        let stamp = by.at(self.clock.now());
        let outcome = self
            .store
            .update_expected_client(id, expected, &changes, stamp)
            .await?;
        match outcome {
            ClientChanged::OtherVersion => return Err(other_version(id)),
            ClientChanged::Changed => self.changed(id, true)?,
            ClientChanged::NoClient => self.changed(id, false)?,
        }
        Ok(self.find_client(id).await?.client)
    }

    /// Lets a client have tokens, or no more; its record and secrets stay. What it was issued before is
    /// revoked either way.
    pub async fn set_client_status(
        &self,
        by: &Origin,
        id: &ClientId,
        status: ClientStatus,
    ) -> Result<()> {
        let now = self.clock.now();
        let cutoff = match status {
            ClientStatus::Enabled => self.latest_time().await?,
            ClientStatus::Disabled => self.last_issue().await?,
        };
        let done = self.store.set_client_status(id, status, cutoff, by.at(now));
        self.revoked(id, &done.await?)
    }

    /// The same; the client as it is then.
    pub async fn switch_client(
        &self,
        by: &Origin,
        id: &ClientId,
        status: ClientStatus,
    ) -> Result<Client> {
        self.set_client_status(by, id, status).await?;
        Ok(self.find_client(id).await?.client)
    }

    /// Removes a client and its secrets, and revokes its tokens.
    pub async fn delete_client(&self, by: &Origin, id: &ClientId) -> Result<()> {
        let any = ExpectedVersion::Any;
        self.delete_expected_client(by, id, &any).await
    }

    /// The same if the client is still as expected.
    pub async fn delete_expected_client(
        &self,
        by: &Origin,
        id: &ClientId,
        expected: &ExpectedVersion,
    ) -> Result<()> {
        let (cutoff, stamp) = (self.last_issue().await?, by.at(self.clock.now()));
        let deleted = self
            .store
            .delete_expected_client(id, expected, cutoff, stamp);
        self.revoked(id, &deleted.await?)?;
        // They say nothing of a later client of this id, and would only take room.
        if let Err(error) = self.store.delete_uses(id).await {
            let error = Error::from(error);
            tracing::warn!(client_id = %id, "its last uses are left: {}", error.reason());
        }
        Ok(())
    }

    /// Ends every change of a client: what memory holds of it is forgotten before anybody hears of it.
    pub(in crate::app) fn changed(&self, id: &ClientId, done: bool) -> Result<()> {
        self.directory.forget(id);
        if done { Ok(()) } else { Err(no_client(id)) }
    }
}

pub(in crate::app) fn no_client(id: &ClientId) -> Error {
    Error::not_found(format_args!("client `{id}`"))
}

fn taken(id: &ClientId) -> Error {
    Error::conflict(format!("there is a client `{id}` already"))
}

pub(in crate::app) fn other_version(id: &ClientId) -> Error {
    let description = format!("the client `{id}` was changed since; look at it again");
    Error::new(ErrorCode::PreconditionFailed, description)
}
