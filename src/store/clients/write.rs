//! Owns the rows of `clients`: finding, listing, adding and changing them.

use std::collections::HashMap;

use crate::domain::{
    Action, Audience, Change, ClientChanges, ClientCutoff, ClientEffect, ClientId, ClientKeys,
    ClientRecord, ClientStatus, Description, ExpectedVersion, Metadata, Name, NewEvent, Scope,
    Stamp, Target, TokenQuota, TokenTtl,
};
use crate::store::audit::append::{AuditLog, record};
use crate::store::clients::bulk_write::{INSERT, LIST_DISABLED, run_with_client};
use crate::store::clients::row::{FIND, lock_client, one_record, read_record};
use crate::store::clients::scope_index::note_scopes;
use crate::store::idempotency::{RememberedAnswer, remember};
use crate::store::tokens::cut_off;
use crate::store::{Store, StoreError, in_long_transaction, in_transaction, on_pool};

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
    /// The client and its secrets, as one consistent picture.
    pub async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        let rows = on_pool!(self, |pool| sqlx::query_as(FIND)
            .bind(id.as_str())
            .fetch_all(pool)
            .await)?;
        one_record(rows)
    }

    /// Whether there is a client of this id.
    pub async fn has_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        const SQL: &str = "select exists (select 1 from clients where client_id = $1)";
        Ok(on_pool!(self, |pool| sqlx::query_scalar(SQL)
            .bind(id.as_str())
            .fetch_one(pool)
            .await)?)
    }

    /// How many enabled clients have certificate-bound tokens.
    pub async fn count_certificate_bound_clients(&self) -> Result<i64, StoreError> {
        const SQL: &str = "
            select count(*)
            from clients
            where tls_client_certificate_bound and status = 'enabled'";
        Ok(on_pool!(self, |pool| sqlx::query_scalar(SQL)
            .fetch_one(pool)
            .await)?)
    }

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

    /// Adds a client with its secrets, and keeps what is answered; neither when the same was done before.
    pub async fn insert_client_once(
        &self,
        record: &ClientRecord,
        answer: Option<&RememberedAnswer>,
        stamp: Stamp<'_>,
    ) -> Result<ClientInserted, StoreError> {
        let records = std::slice::from_ref(record);
        let inserted = self.insert_clients(records, Action::ClientCreate, answer, stamp);
        Ok(match inserted.await? {
            None => ClientInserted::Remembered,
            Some(0) => ClientInserted::Conflict,
            Some(_) => ClientInserted::Inserted,
        })
    }

    /// Replicas are not told: none remembers that a client is not there. `None`: the same was done before.
    async fn insert_clients(
        &self,
        records: &[ClientRecord],
        action: Action,
        answer: Option<&RememberedAnswer>,
        stamp: Stamp<'_>,
    ) -> Result<Option<u64>, StoreError> {
        in_long_transaction!(self, |tx| {
            if let Some(answer) = answer
                && !remember!(tx, answer)
            {
                return Ok(None);
            }
            let mut events = Vec::new();
            let mut new = HashMap::new();
            for record in records {
                let client = &record.client;
                stamp.by.actor.check_grant(&client.scopes)?;
                let added = run_with_client!(tx, INSERT, client);
                for secret in record.secrets.iter().filter(|_| added == 1) {
                    crate::store::secrets::write::insert!(tx, &client.client_id, secret, stamp.at);
                }
                if added == 1 {
                    note_scopes!(tx, client.client_id, &client.scopes);
                    new.insert(client.client_id.as_str(), client);
                    events.push(of_client(action, &client.client_id).after(record));
                }
            }
            if new.is_empty() {
                // Nor is an answer to be kept then.
                return Ok(Some(0));
            }
            // A deleted client's tokens are revoked whenever they were issued; this one's are not.
            let disabled: Vec<String> = sqlx::query_scalar(LIST_DISABLED)
                .fetch_all(&mut *tx)
                .await?;
            for client in disabled.iter().filter_map(|id| new.get(id.as_str())) {
                let cut = ClientCutoff {
                    cutoff: client.created_at,
                    disabled: client.status == ClientStatus::Disabled,
                };
                cut_off!(tx, client.client_id, cut, client.created_at);
            }
            tx.append(&self.audit_keys, stamp, events).await?;
            Some(new.len() as u64)
        })
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
        const SQL: &str = "
            update clients
            set name = coalesce($2, name), description = coalesce($3, description),
                scopes = coalesce($4, scopes), audiences = coalesce($5, audiences),
                metadata = coalesce($6, metadata),
                token_ttl = case when $7 then $8 else token_ttl end,
                auth_methods = coalesce($9, auth_methods),
                jwks = case when $10 then $11 else jwks end,
                jwks_uri = case when $10 then $12 else jwks_uri end,
                tls_client_auth = case when $13 then $14 else tls_client_auth end,
                updated_at = $15,
                tls_client_certificate_bound = coalesce($16, tls_client_certificate_bound),
                dpop_bound = coalesce($17, dpop_bound),
                token_quota = case when $18 then $19 else token_quota end,
                allowed_networks = coalesce($20, allowed_networks)
            where client_id = $1";
        let (ttl, quota) = (changes.token_ttl, changes.token_quota);
        let authentication = &changes.authentication;
        let keys = authentication.keys.as_ref();
        let (jwks, jwks_uri) = key_columns(keys.and_then(Option::as_ref));
        let subject = authentication.certificate_subject.as_ref();
        let methods = authentication.auth_methods.as_ref();
        let constraint = changes.sender_constraint;
        let networks = changes.allowed_networks.as_ref();
        in_transaction!(self, |tx| {
            if lock_client!(tx, id, ClientEffect::Changes, stamp).is_none() {
                return Ok(ClientChanged::NoClient);
            }
            let before = read_record!(tx, id);
            if before
                .as_ref()
                .is_some_and(|it| !expected.admits(&it.client))
            {
                return Ok(ClientChanged::OtherVersion);
            }
            sqlx::query(SQL)
                .bind(id.as_str())
                .bind(changes.name.as_ref().map(Name::as_str))
                .bind(changes.description.as_ref().map(Description::as_str))
                .bind(changes.scopes.as_ref().map(Scope::as_str))
                .bind(changes.audiences.as_deref().map(Audience::join))
                .bind(changes.metadata.as_ref().map(Metadata::as_str))
                .bind(ttl.is_some())
                .bind(ttl.flatten().map(TokenTtl::seconds))
                .bind(methods.map(ToString::to_string))
                .bind(keys.is_some())
                .bind(jwks)
                .bind(jwks_uri)
                .bind(subject.is_some())
                .bind(subject.and_then(Option::as_ref).map(ToString::to_string))
                .bind(stamp.at.0)
                .bind(constraint.tls_client_certificate_bound_access_tokens)
                .bind(constraint.dpop_bound_access_tokens)
                .bind(quota.is_some())
                .bind(quota.flatten().map(count))
                .bind(networks.map(ToString::to_string))
                .execute(&mut *tx)
                .await?;
            if let Some(scopes) = &changes.scopes {
                stamp.by.actor.check_grant(scopes)?;
                note_scopes!(tx, id, scopes);
            }
            let after = read_record!(tx, id);
            let event = of_client(Action::ClientUpdate, id).difference(before, after);
            record!(self, tx, stamp, Change::Client(id.clone()), vec![event]);
            ClientChanged::Changed
        })
    }
}

/// Something done to the client itself.
pub(in crate::store) fn of_client(action: Action, id: &ClientId) -> NewEvent {
    NewEvent::of_client(action, id, Target::Client(id.clone()))
}

fn count(quota: TokenQuota) -> i64 {
    i64::from(quota.count())
}

/// The columns `jwks` and `jwks_uri`.
pub(in crate::store) fn key_columns(keys: Option<&ClientKeys>) -> (Option<&str>, Option<&str>) {
    match keys {
        None => (None, None),
        Some(ClientKeys::Inline(set)) => (Some(set.as_str()), None),
        Some(ClientKeys::Uri(uri)) => (None, Some(uri.as_str())),
    }
}
