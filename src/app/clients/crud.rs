//! Registering clients and changing them.

use crate::app::clients::Clients;
use crate::app::core::idempotency::IdempotencyKey;
use crate::app::error::{Error, Result};
use crate::app::secrets::crud::{AddedSecret, NewSecret};
use crate::base::clock::UnixTime;
use crate::base::secret::{Secret, random_base62};
use crate::domain::{
    AuthenticationChanges, AuthenticationSettings, Client, ClientChanges, ClientId, ClientKeys,
    ClientRecord, ClientStatus, ExchangeRule, ExchangeRules, ExpectedVersion, Identifiers,
    NewClient, Origin,
};
use crate::store::{
    ClientChanged, ClientFilter, ClientInserted, ClientOrder, ClientQuery, StoredResponse,
    WriteOptions,
};

/// A part of the list of clients.
#[derive(Clone, Debug)]
pub struct ClientsList {
    /// The clients.
    pub clients: Vec<Client>,
    /// Where the next part begins, if there is one, for [`ClientOrder::parse_place`](crate::store::ClientOrder).
    pub after: Option<String>,
}

/// How many clients there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCount {
    /// Exactly so many.
    Exactly(u64),
    /// So many were counted, and there are more.
    MoreThan(u64),
}

/// A search is counted so far: each client that it might find has to be read.
const SEARCH_COUNTED: u32 = 10_000;

/// A list is counted so far. To count a million takes Postgres 100 ms.
const LIST_COUNTED: u32 = 100_000;

impl Clients {
    /// The first secret of a client to be registered: `chosen`, or one that the server makes. `None`: it has an identity
    /// at an issuer, or none of its methods takes a secret, and then there must be nothing to say of one.
    pub fn first_secret(
        &self,
        new: &NewClient,
        chosen: Option<Secret<String>>,
        expires_at: Option<UnixTime>,
    ) -> Result<Option<NewSecret>> {
        let is_said = chosen.is_some() || expires_at.is_some();
        new.authentication.check_secrets(usize::from(is_said))?;
        // A client with an identity needs no secret, unless one is asked for.
        let has_identity = !new.authentication.identities.is_empty();
        let takes_one = new.authentication.allow_secrets() && (is_said || !has_identity);
        let secret = takes_one.then(|| self.secrets.new_secret(chosen, expires_at));
        secret.transpose()
    }

    /// Registers a client, with a first secret unless it logs in otherwise. The secret is returned this once.
    pub async fn register(
        &self,
        by: &Origin,
        new: NewClient,
        secret: Option<NewSecret>,
    ) -> Result<(Client, Option<AddedSecret>)> {
        let (record, added) = self.prepare(by, new, secret).await?;
        if self.insert(by, &record, None).await? {
            Ok((record.client, added))
        } else {
            Err(taken(&record.client.client_id))
        }
    }

    /// Registers a client for a caller who may repeat the request: the answer is stored, and given again then.
    pub async fn register_once(
        &self,
        by: &Origin,
        new: NewClient,
        secret: Option<NewSecret>,
        once: Option<&IdempotencyKey>,
        answer: impl FnOnce(&Client, Option<&AddedSecret>) -> Result<Secret<String>>,
    ) -> Result<Secret<String>> {
        let make = async {
            let (record, added) = self.prepare(by, new, secret).await?;
            let answer = answer(&record.client, added.as_ref())?;
            Ok((record, answer))
        };
        let insert = async |record, stored: Option<StoredResponse>| {
            self.insert(by, &record, stored.as_ref()).await
        };
        self.idempotency.make_once(once, make, insert).await
    }

    /// False when the same request has registered it before.
    async fn insert(
        &self,
        by: &Origin,
        record: &ClientRecord,
        response: Option<&StoredResponse>,
    ) -> Result<bool> {
        let id = &record.client.client_id;
        let (store, stamp) = (&self.core.store, by.at(record.client.created_at));
        let options = WriteOptions {
            response,
            ..WriteOptions::default()
        };
        match store.insert_client(record, &options, stamp).await? {
            ClientInserted::Inserted => {
                self.cache.forget(id);
                if !record.client.authentication.identities.is_empty() {
                    self.issuers.forget_owners();
                }
                Ok(true)
            }
            ClientInserted::Conflict => Err(taken(id)),
            ClientInserted::Repeated => Ok(false),
        }
    }

    async fn prepare(
        &self,
        by: &Origin,
        mut new: NewClient,
        secret: Option<NewSecret>,
    ) -> Result<(ClientRecord, Option<AddedSecret>)> {
        self.require_identities(&new.authentication).await?;
        let added = match secret {
            Some(secret) => Some(self.secrets.prepare(by, secret).await?),
            None => None,
        };
        self.check_authentication(&new.authentication)?;
        self.check_identifiers(&new.identifiers)?;
        self.check_exchange_rules(&new.exchange_rules)?;
        let id = match new.client_id.take() {
            Some(id) => id.check_new().map(|()| id)?,
            None => ClientId::parse(&random_base62(20))?,
        };
        let client = new.register(id, self.core.now());
        let secrets = added.iter().map(|added| added.secret.clone()).collect();
        Ok((ClientRecord { client, secrets }, added))
    }

    /// Refuses identities at issuers that are not there, or that cannot have them.
    async fn require_identities(&self, settings: &AuthenticationSettings) -> Result<()> {
        if settings.identities.is_empty() {
            return Ok(());
        }
        self.issuers.all().await?;
        self.issuers.check_identities(&settings.identities, &[])
    }

    /// Refuses what could never be used: a method without what it needs, a host that is not allowed.
    pub(in crate::app) fn check_authentication(
        &self,
        settings: &AuthenticationSettings,
    ) -> Result<()> {
        settings.check()?;
        match &settings.keys {
            Some(ClientKeys::Uri(uri))
                if !self.core.config.client_authentication.jwks_uri.allows(uri) =>
            {
                Err(Error::invalid_request(format!(
                    "JWKS_URI_HOSTS does not contain `{}`, so the server could not fetch {uri}",
                    uri.authority()
                )))
            }
            Some(ClientKeys::Uri(_) | ClientKeys::Inline(_)) | None => Ok(()),
        }
    }

    /// Refuses an identifier that would make a client this server itself.
    pub(in crate::app) fn check_identifiers(&self, identifiers: &Identifiers) -> Result<()> {
        let token = &self.core.config.token;
        match identifiers.iter().find(|it| token.is_this_server(it)) {
            Some(own) => Err(Error::invalid_request(format!(
                "identifiers: `{own}` is this server itself, so no client can have it"
            ))),
            None => Ok(()),
        }
    }

    /// Refuses a rule that would exchange tokens for this server itself, or for a reserved scope.
    pub(in crate::app) fn check_exchange_rules(&self, rules: &ExchangeRules) -> Result<()> {
        let token = &self.core.config.token;
        let mut targets = rules.iter().map(ExchangeRule::target);
        if let Some(own) = targets.find(|it| token.is_this_server(it)) {
            return Err(Error::invalid_request(format!(
                "exchange_rules: `{own}` is this server itself, so it cannot be a target"
            )));
        }
        rules
            .check_scopes()
            .map_err(|why| Error::invalid_request(format!("exchange_rules: {why}")))
    }

    /// The client with its secrets, as the store has it now.
    pub async fn find(&self, id: &ClientId) -> Result<ClientRecord> {
        self.core
            .store
            .find_client(id)
            .await?
            .ok_or_else(|| Error::unknown_client(id))
    }

    /// Fails if there is no such client. It may be damaged.
    pub async fn require(&self, id: &ClientId) -> Result<()> {
        if self.core.store.has_client(id).await? {
            Ok(())
        } else {
            Err(Error::unknown_client(id))
        }
    }

    /// A part of the list of clients, in any order that there is. What is searched for or has a scope is listed by id:
    /// in any other order all of that would have to be sorted.
    pub async fn list(&self, part: &ClientQuery) -> Result<ClientsList> {
        part.filter.check()?;
        if part.filter.is_search() && part.order != ClientOrder::ClientId {
            return Err(Error::invalid_request(
                "a search by `search`, `prefix`, `name_prefix` or `scope` supports only the order `client_id`",
            ));
        }
        // One more tells whether there is another part.
        let one_more = ClientQuery {
            limit: part.limit.saturating_add(1),
            ..part.clone()
        };
        let mut clients = self.core.store.list_clients_in_order(&one_more).await?;
        let limit = usize::try_from(part.limit).unwrap_or(usize::MAX);
        let has_more = clients.len() > limit;
        clients.truncate(limit);
        let last = clients.last().filter(|_| has_more);
        let after = last.map(|client| part.order.place_of(client));
        Ok(ClientsList { clients, after })
    }

    /// How many clients a filter selects.
    pub async fn count(&self, filter: &ClientFilter) -> Result<ClientCount> {
        filter.check()?;
        let most = if filter.is_search() {
            SEARCH_COUNTED
        } else {
            LIST_COUNTED
        };
        let count = self.core.store.count_clients(filter, most + 1).await?;
        Ok(if count > most.into() {
            ClientCount::MoreThan(most.into())
        } else {
            ClientCount::Exactly(count)
        })
    }

    /// Changes a client if it is as expected.
    pub async fn update(
        &self,
        by: &Origin,
        id: &ClientId,
        expected: &ExpectedVersion,
        changes: ClientChanges,
    ) -> Result<Client> {
        if changes.authentication != AuthenticationChanges::default() {
            let now = self.find(id).await?.client.authentication;
            let after = now.changed(changes.authentication.clone());
            self.check_authentication(&after)?;
            self.require_identities(&after).await?;
        }
        if let Some(identifiers) = &changes.identifiers {
            self.check_identifiers(identifiers)?;
        }
        if let Some(rules) = &changes.exchange_rules {
            self.check_exchange_rules(rules)?;
        }
        let (store, stamp) = (&self.core.store, self.core.stamp(by));
        let options = WriteOptions {
            expected: expected.clone(),
            ..WriteOptions::default()
        };
        let outcome = store.update_client(id, &changes, &options, stamp).await?;
        self.cache.forget(id);
        if changes.authentication.identities.is_some() {
            self.issuers.forget_owners();
        }
        match outcome {
            ClientChanged::Changed(client) => Ok(*client),
            ClientChanged::OtherVersion => Err(Error::client_changed(id)),
            ClientChanged::NoClient => Err(Error::unknown_client(id)),
        }
    }

    /// Lets a client have tokens, or no more; its record and secrets stay. Disabling it revokes what it was issued, and
    /// enabling it leaves that revoked. The client as it is then; `None`: it is disabled, and its row is damaged.
    pub async fn set_status(
        &self,
        by: &Origin,
        id: &ClientId,
        status: ClientStatus,
    ) -> Result<Option<Client>> {
        let (floor, stamp) = self.tokens.stamp_raise(by);
        let store = &self.core.store;
        let (done, client) = store.set_client_status(id, status, floor, stamp).await?;
        self.tokens.revoked(id, &done)?;
        self.tokens.drop_needless(&done).await;
        Ok(client)
    }

    /// Removes a client and its secrets if it is as expected, and revokes its tokens.
    pub async fn delete(
        &self,
        by: &Origin,
        id: &ClientId,
        expected: &ExpectedVersion,
    ) -> Result<()> {
        let (floor, stamp) = self.tokens.stamp_raise(by);
        let options = WriteOptions {
            expected: expected.clone(),
            ..WriteOptions::default()
        };
        let store = &self.core.store;
        let done = store.delete_client(id, floor, &options, stamp).await?;
        self.tokens.revoked(id, &done)?;
        self.tokens.drop_needless(&done).await;
        // They say nothing of a later client of this id, and would only take room.
        if let Err(error) = self.core.store.delete_uses(id).await {
            let error = Error::from(error);
            tracing::warn!(client_id = %id, "cannot delete the usage of the deleted client: {}", error.reason());
        }
        Ok(())
    }

    /// Ends a change of a client: what memory holds of it is forgotten before anybody hears of it.
    pub(in crate::app) fn changed<T>(&self, id: &ClientId, changed: Option<T>) -> Result<T> {
        self.cache.forget(id);
        changed.ok_or_else(|| Error::unknown_client(id))
    }
}

pub(in crate::app::clients) fn taken(id: &ClientId) -> Error {
    Error::conflict(format!("the client `{id}` exists already"))
}
