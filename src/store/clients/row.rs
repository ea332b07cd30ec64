//! Owns how the rows of `clients` are read: a client and its secrets by one statement, also inside a transaction.

use sqlx::FromRow;

use crate::base::clock::UnixTime;
use crate::domain::{
    AllowedNetworks, Audience, AuthMethods, AuthenticationSettings, CertificateSubject, Client,
    ClientId, ClientKeys, ClientRecord, ClientSecret, ClientStatus, Description, JwkSet, JwksUri,
    ManagedBy, Metadata, Name, Scope, SenderConstraint, TokenQuota, TokenTtl,
};
use crate::store::StoreError;
use crate::store::secrets::write::SecretColumns;

/// Selects clients with their secrets, a row for each secret, as [`RecordRow`] reads them.
macro_rules! select_records {
    () => {
        "
    select c.client_id, c.name, c.description, c.status, c.scopes, c.audiences,
        c.metadata, c.token_ttl, c.token_quota, c.allowed_networks, c.auth_methods, c.jwks, c.jwks_uri, c.tls_client_auth,
        c.tls_client_certificate_bound, c.dpop_bound, c.managed_by,
        c.created_at, c.updated_at,
        s.secret_id, s.origin, s.secret_hash, s.hint,
        s.created_at as secret_created_at, s.expires_at, e.unused_for
    from clients c
    left join client_secrets s on s.client_id = c.client_id
    left join secret_ends e on e.secret_id = s.secret_id"
    };
}

pub(in crate::store) const FIND: &str = concat!(
    select_records!(),
    "
    where c.client_id = $1
    order by s.created_at, s.secret_id"
);

/// Reads a client and its secrets on an open transaction of either product.
macro_rules! read_record {
    ($tx:ident, $client_id:expr) => {{
        let rows = sqlx::query_as($crate::store::clients::row::FIND)
            .bind($client_id.as_str())
            .fetch_all(&mut *$tx)
            .await?;
        $crate::store::clients::row::one_record(rows)?
    }};
}

pub(in crate::store) const LOCK: &str = "
    update clients
    set updated_at = updated_at
    where client_id = $1
    returning status, scopes";

/// Locks a client on an open transaction of either product, so that it stays as it is until the end; its status, if
/// there is such a client. Fails when the actor may not write to the client as it is now: there is no other way to lock one.
macro_rules! lock_client {
    ($tx:ident, $client_id:expr, $effect:expr, $stamp:expr) => {{
        let (id, stamp): (&$crate::domain::ClientId, $crate::domain::Stamp<'_>) =
            ($client_id, $stamp);
        let row: Option<(String, String)> = sqlx::query_as($crate::store::clients::row::LOCK)
            .bind(id.as_str())
            .fetch_optional(&mut *$tx)
            .await?;
        match row {
            Some((status, scopes)) => {
                let scopes = $crate::domain::Scope::parse(&scopes)?;
                stamp.by.actor.check_client_write(id, &scopes, $effect)?;
                Some($crate::domain::ClientStatus::parse(&status)?)
            }
            None => None,
        }
    }};
}
pub(in crate::store) use {lock_client, read_record, select_records};

/// The client of [`FIND`]'s rows, one for each of its secrets.
pub(in crate::store) fn one_record(
    rows: Vec<RecordRow>,
) -> Result<Option<ClientRecord>, StoreError> {
    Ok(records(rows)?.pop())
}

/// The clients of rows like [`FIND`]'s; those of one client stand together.
pub(in crate::store) fn records(rows: Vec<RecordRow>) -> Result<Vec<ClientRecord>, StoreError> {
    let mut records: Vec<ClientRecord> = Vec::new();
    for row in rows {
        let secret: Option<ClientSecret> = row.secret.try_into()?;
        match records.last_mut() {
            Some(last) if last.client.client_id.as_str() == row.client.client_id => {
                last.secrets.extend(secret);
            }
            Some(_) | None => records.push(ClientRecord {
                client: Client::try_from(row.client)?,
                secrets: secret.into_iter().collect(),
            }),
        }
    }
    Ok(records)
}

#[derive(FromRow)]
pub(in crate::store) struct RecordRow {
    #[sqlx(flatten)]
    client: ClientRow,
    #[sqlx(flatten)]
    secret: SecretColumns,
}

#[derive(FromRow)]
pub(in crate::store) struct ClientRow {
    client_id: String,
    name: String,
    description: String,
    status: String,
    scopes: String,
    audiences: String,
    metadata: String,
    token_ttl: Option<i64>,
    token_quota: Option<i64>,
    allowed_networks: String,
    auth_methods: String,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    tls_client_auth: Option<String>,
    tls_client_certificate_bound: bool,
    dpop_bound: bool,
    managed_by: Option<String>,
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
            token_quota: row.token_quota.map(TokenQuota::from_count).transpose()?,
            allowed_networks: AllowedNetworks::parse(&row.allowed_networks)?,
            authentication: AuthenticationSettings {
                auth_methods: AuthMethods::parse(&row.auth_methods)?,
                keys,
                certificate_subject: subject.map(CertificateSubject::parse).transpose()?,
            },
            sender_constraint: SenderConstraint {
                tls_client_certificate_bound_access_tokens: row.tls_client_certificate_bound,
                dpop_bound_access_tokens: row.dpop_bound,
            },
            managed_by: row
                .managed_by
                .as_deref()
                .map(ManagedBy::parse)
                .transpose()?,
            created_at: UnixTime(row.created_at),
            updated_at: UnixTime(row.updated_at),
        })
    }
}
