//! Owns the rows of `clients`, and the reading of a client with its secrets in one statement.

use std::collections::HashMap;

use sqlx::FromRow;

use super::audit_log::AuditLog;
use super::revocations::cut_off;
use super::secrets::SecretColumns;
use super::{Store, StoreError, in_transaction, on_pool};
use crate::clock::UnixTime;
use crate::domain::{
    Action, Audience, AuthMethods, AuthenticationSettings, CertificateSubject, Change, Client,
    ClientChanges, ClientCutoff, ClientId, ClientKeys, ClientRecord, ClientSecret, ClientStatus,
    Description, JwkSet, JwksUri, Metadata, Name, Scope, SenderConstraint, Stamp, Target, TokenTtl,
};

/// Which part of the list of clients to read.
#[derive(Clone, Debug)]
pub struct ClientsPage {
    /// Only clients after this one, in the order of the list.
    pub after: Option<ClientId>,
    /// At most so many.
    pub limit: u32,
}

pub(super) const FIND: &str = "
    select c.client_id, c.name, c.description, c.status, c.scopes, c.audiences,
        c.metadata, c.token_ttl, c.auth_methods, c.jwks, c.jwks_uri, c.tls_client_auth,
        c.tls_client_certificate_bound, c.dpop_bound,
        c.created_at, c.updated_at,
        s.secret_id, s.origin, s.secret_hash, s.hint,
        s.created_at as secret_created_at, s.expires_at
    from clients c
    left join client_secrets s on s.client_id = c.client_id
    where c.client_id = $1
    order by s.created_at, s.secret_id";

/// Reads a client and its secrets on an open transaction of either product.
macro_rules! read_record {
    ($tx:ident, $client_id:expr) => {{
        let rows = sqlx::query_as($crate::store::clients::FIND)
            .bind($client_id.as_str())
            .fetch_all(&mut *$tx)
            .await?;
        $crate::store::clients::one_record(rows)?
    }};
}

pub(super) const LOCK: &str = "
    update clients
    set updated_at = updated_at
    where client_id = $1
    returning status";

/// Locks a client on an open transaction of either product, so that it stays as it is until the end; its status, if
/// there is such a client.
macro_rules! lock_client {
    ($tx:ident, $client_id:expr) => {{
        let status: Option<String> = sqlx::query_scalar($crate::store::clients::LOCK)
            .bind($client_id.as_str())
            .fetch_optional(&mut *$tx)
            .await?;
        match status {
            Some(status) => Some($crate::domain::ClientStatus::parse(&status)?),
            None => None,
        }
    }};
}
pub(super) use {lock_client, read_record};

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

    /// Clients without their secrets, by `client_id`.
    pub async fn list_clients(&self, page: &ClientsPage) -> Result<Vec<Client>, StoreError> {
        const SQL: &str = "
            select client_id, name, description, status, scopes, audiences, metadata, token_ttl,
                auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound,
                created_at, updated_at
            from clients
            where client_id > $1
            order by client_id
            limit $2";
        let after = page.after.as_ref().map_or("", ClientId::as_str);
        let rows: Vec<ClientRow> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(after)
            .bind(i64::from(page.limit))
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(Client::try_from).collect()
    }

    /// Adds a client with its secrets; [`StoreError::Conflict`] when its id is taken.
    pub async fn insert_client(
        &self,
        record: &ClientRecord,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        let records = std::slice::from_ref(record);
        match self
            .insert_clients(records, Action::ClientCreate, stamp)
            .await?
        {
            1 => Ok(()),
            _ => Err(StoreError::Conflict),
        }
    }

    /// Adds, in one transaction, those of the clients of an import whose id is not taken; how many that were.
    pub async fn insert_missing_clients(
        &self,
        records: &[ClientRecord],
        stamp: Stamp<'_>,
    ) -> Result<u64, StoreError> {
        self.insert_clients(records, Action::ClientImport, stamp)
            .await
    }

    async fn insert_clients(
        &self,
        records: &[ClientRecord],
        action: Action,
        stamp: Stamp<'_>,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "
            insert into clients (client_id, name, description, status, scopes, audiences,
                metadata, token_ttl, auth_methods, jwks, jwks_uri, tls_client_auth, created_at,
                updated_at, tls_client_certificate_bound, dpop_bound)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            on conflict (client_id) do nothing";
        const LIST_DISABLED: &str = "select client_id from revocations where disabled";
        in_transaction!(self, |tx| {
            let mut events = Vec::new();
            let mut new = HashMap::new();
            for record in records {
                let client = &record.client;
                let authentication = &client.authentication;
                let (jwks, jwks_uri) = key_columns(authentication.keys.as_ref());
                let subject = authentication.certificate_subject.as_ref();
                let constraint = client.sender_constraint;
                let added = sqlx::query(SQL)
                    .bind(client.client_id.as_str())
                    .bind(client.name.as_str())
                    .bind(client.description.as_str())
                    .bind(client.status.as_str())
                    .bind(client.scopes.as_str())
                    .bind(Audience::join(&client.audiences))
                    .bind(client.metadata.as_str())
                    .bind(client.token_ttl.map(TokenTtl::seconds))
                    .bind(authentication.auth_methods.to_string())
                    .bind(jwks)
                    .bind(jwks_uri)
                    .bind(subject.map(ToString::to_string))
                    .bind(client.created_at.0)
                    .bind(client.updated_at.0)
                    .bind(constraint.tls_client_certificate_bound_access_tokens)
                    .bind(constraint.dpop_bound_access_tokens)
                    .execute(&mut *tx)
                    .await?
                    .rows_affected();
                for secret in record.secrets.iter().filter(|_| added == 1) {
                    super::secrets::insert!(tx, &client.client_id, secret);
                }
                if added == 1 {
                    new.insert(client.client_id.as_str(), client);
                    events.push(of_client(action, &client.client_id).after(record));
                }
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
            new.len() as u64
        })
    }

    /// Changes what `changes` names and nothing else, so that two changes at once do not undo each other; false when there is no such client.
    pub async fn update_client(
        &self,
        id: &ClientId,
        changes: &ClientChanges,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
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
                dpop_bound = coalesce($17, dpop_bound)
            where client_id = $1";
        let ttl = changes.token_ttl;
        let authentication = &changes.authentication;
        let keys = authentication.keys.as_ref();
        let (jwks, jwks_uri) = key_columns(keys.and_then(Option::as_ref));
        let subject = authentication.certificate_subject.as_ref();
        let methods = authentication.auth_methods.as_ref();
        let constraint = changes.sender_constraint;
        in_transaction!(self, |tx| {
            if lock_client!(tx, id).is_none() {
                return Ok(false);
            }
            let before = read_record!(tx, id);
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
                .execute(&mut *tx)
                .await?;
            let after = read_record!(tx, id);
            let change = of_client(Action::ClientUpdate, id).difference(before, after);
            tx.append(&self.audit_keys, stamp, vec![change]).await?;
            true
        })
    }
}

/// A change of the client itself.
pub(super) fn of_client(action: Action, id: &ClientId) -> Change {
    Change::of_client(action, id, Target::Client(id.clone()))
}

/// The client of [`FIND`]'s rows, one for each of its secrets.
pub(super) fn one_record(rows: Vec<RecordRow>) -> Result<Option<ClientRecord>, StoreError> {
    let mut record: Option<ClientRecord> = None;
    for row in rows {
        let secret: Option<ClientSecret> = row.secret.try_into()?;
        match &mut record {
            Some(record) => record.secrets.extend(secret),
            None => {
                let client = Client::try_from(row.client)?;
                record = Some(ClientRecord {
                    client,
                    secrets: secret.into_iter().collect(),
                });
            }
        }
    }
    Ok(record)
}

/// The columns `jwks` and `jwks_uri`.
fn key_columns(keys: Option<&ClientKeys>) -> (Option<&str>, Option<&str>) {
    match keys {
        None => (None, None),
        Some(ClientKeys::Inline(set)) => (Some(set.as_str()), None),
        Some(ClientKeys::Uri(uri)) => (None, Some(uri.as_str())),
    }
}

#[derive(FromRow)]
pub(super) struct RecordRow {
    #[sqlx(flatten)]
    client: ClientRow,
    #[sqlx(flatten)]
    secret: SecretColumns,
}

#[derive(FromRow)]
struct ClientRow {
    client_id: String,
    name: String,
    description: String,
    status: String,
    scopes: String,
    audiences: String,
    metadata: String,
    token_ttl: Option<i64>,
    auth_methods: String,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    tls_client_auth: Option<String>,
    tls_client_certificate_bound: bool,
    dpop_bound: bool,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;

    fn try_from(row: ClientRow) -> Result<Self, StoreError> {
        let keys = match (row.jwks, row.jwks_uri) {
            (Some(set), _) => Some(ClientKeys::Inline(JwkSet::parse(&set)?)),
            (None, Some(uri)) => Some(ClientKeys::Uri(JwksUri::parse(&uri)?)),
            (None, None) => None,
        };
        let subject = row.tls_client_auth.as_deref();
        Ok(Self {
            client_id: ClientId::parse(&row.client_id)?,
            name: Name::parse(&row.name)?,
            description: Description::parse(&row.description)?,
            status: ClientStatus::parse(&row.status)?,
            scopes: Scope::parse(&row.scopes)?,
            audiences: Audience::parse_list(&row.audiences)?,
            metadata: Metadata::parse(&row.metadata)?,
            token_ttl: row.token_ttl.map(TokenTtl::from_seconds).transpose()?,
            authentication: AuthenticationSettings {
                auth_methods: AuthMethods::parse(&row.auth_methods)?,
                keys,
                certificate_subject: subject.map(CertificateSubject::parse).transpose()?,
            },
            sender_constraint: SenderConstraint {
                tls_client_certificate_bound_access_tokens: row.tls_client_certificate_bound,
                dpop_bound_access_tokens: row.dpop_bound,
            },
            created_at: UnixTime(row.created_at),
            updated_at: UnixTime(row.updated_at),
        })
    }
}
