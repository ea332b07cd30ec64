//! Owns the columns of `clients`: one list for reading, inserting and replacing a row.

use std::sync::LazyLock;

use crate::domain::{
    ADMIN_WRITE_SCOPE, Action, AllowedNetworks, Audience, AuthMethods, AuthenticationSettings,
    Client, ClientEffect, ClientId, ClientKeys, ClientStatus, ClientVersion, Identifiers,
    Identities, ManagedBy, NewEvent, SenderConstraint, Stamp, Target, TokenQuota, TokenTtl,
    TokenTyp,
};
use crate::store::Result;
use crate::store::clients::search::search_text;
use crate::store::db::{Row, RowsOf, ToValue, Tx, in_row, to_json};

/// The columns of `clients c` that [`read_client`] reads.
pub(in crate::store) const COLUMNS: &str = "c.client_id, c.name, c.description, c.status, c.scopes, \
    c.audiences, c.identifiers, c.metadata, c.token_ttl, c.auth_methods, c.jwks, c.jwks_uri, c.tls_client_auth, \
    c.created_at, c.updated_at, c.tls_client_certificate_bound, c.dpop_bound, c.managed_by, \
    c.token_quota, c.allowed_networks, c.token_typ, c.exchange_rules, c.identities, \
    c.token_endpoint_audience, c.explicit_scopes, c.version, c.generation";

pub(in crate::store) const CLIENTS: RowsOf = RowsOf::new("clients", "client_id");

const INSERT: &str = "
    insert into clients (client_id, name, description, status, scopes, audiences, identifiers,
        metadata, token_ttl, auth_methods, jwks, jwks_uri, tls_client_auth, created_at, updated_at,
        tls_client_certificate_bound, dpop_bound, managed_by, token_quota, allowed_networks, search,
        token_typ, exchange_rules, identities, token_endpoint_audience, explicit_scopes, version, generation)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22, $23, $24, $25, $26, 0, 0)
    on conflict (client_id) do nothing";

const REPLACE: &str = "
    update clients
    set name = $2, description = $3, status = $4, scopes = $5, audiences = $6, identifiers = $7,
        metadata = $8, token_ttl = $9, auth_methods = $10, jwks = $11, jwks_uri = $12,
        tls_client_auth = $13, created_at = $14, updated_at = $15, tls_client_certificate_bound = $16,
        dpop_bound = $17, managed_by = $18, token_quota = $19, allowed_networks = $20, search = $21,
        token_typ = $22, exchange_rules = $23, identities = $24, token_endpoint_audience = $25,
        explicit_scopes = $26, version = version + 1
    where client_id = $1";

/// SQLite takes no alias in `returning`.
static LOCK: LazyLock<String> = LazyLock::new(|| {
    let columns = COLUMNS.replace("c.", "");
    format!("update clients set updated_at = updated_at where client_id = $1 returning {columns}")
});

pub(in crate::store) fn read_client(row: &Row) -> Result<Client> {
    let keys = match (row.parse_optional("jwks")?, row.parse_optional("jwks_uri")?) {
        (Some(set), _) => Some(ClientKeys::Inline(set)),
        (None, Some(uri)) => Some(ClientKeys::Uri(uri)),
        (None, None) => None,
    };
    let ttl: Option<i64> = row.get("token_ttl")?;
    let quota: Option<i64> = row.get("token_quota")?;
    Ok(Client {
        client_id: row.parse("client_id")?,
        name: row.parse("name")?,
        description: row.parse("description")?,
        status: ClientStatus::parse(row.get("status")?)?,
        scopes: row.parse("scopes")?,
        explicit_scopes_only: row.get("explicit_scopes")?,
        audiences: Audience::parse_list(row.get("audiences")?)?,
        identifiers: Identifiers::parse(row.get("identifiers")?)?,
        exchange_rules: row.parse("exchange_rules")?,
        metadata: row.parse("metadata")?,
        token_ttl: ttl.map(TokenTtl::from_seconds).transpose()?,
        token_typ: row.parse_optional("token_typ")?,
        token_quota: quota.map(TokenQuota::from_count).transpose()?,
        allowed_networks: AllowedNetworks::parse(row.get("allowed_networks")?)?,
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse(row.get("auth_methods")?)?,
            keys,
            certificate_subject: row.parse_optional("tls_client_auth")?,
            identities: Identities::from_values(&row.json::<Vec<_>>("identities")?)?,
            token_endpoint_as_audience: row.get("token_endpoint_audience")?,
        },
        sender_constraint: SenderConstraint {
            tls_client_certificate_bound_access_tokens: row.get("tls_client_certificate_bound")?,
            dpop_bound_access_tokens: row.get("dpop_bound")?,
        },
        managed_by: row.parse_optional("managed_by")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: ClientVersion::from_number(row.get("version")?),
        generation: row.generation("generation")?,
    })
}

/// Inserts a client; false when its id is taken. Its version and its generation begin with `begin_generations`.
pub(in crate::store) async fn insert_row(tx: &mut Tx<'_>, client: &Client) -> Result<bool> {
    Ok(run_with_client(tx, INSERT, client).await? == 1)
}

/// Makes the row of a client what it is here, and the client its next version. The client was read from the row, which is
/// locked.
pub(in crate::store) async fn replace_row(tx: &mut Tx<'_>, client: &mut Client) -> Result<()> {
    run_with_client(tx, REPLACE, client).await?;
    client.version = client.version.next();
    Ok(())
}

/// Gives a client the next version, for a change that is not in its row.
pub(in crate::store) async fn bump_version(tx: &mut Tx<'_>, id: &ClientId) -> Result<()> {
    const SQL: &str = "update clients set version = version + 1 where client_id = $1";
    tx.execute(SQL, &[id]).await.map(drop)
}

async fn run_with_client(tx: &mut Tx<'_>, sql: &'static str, client: &Client) -> Result<u64> {
    let authentication = &client.authentication;
    let (jwks, jwks_uri) = match &authentication.keys {
        None => (None, None),
        Some(ClientKeys::Inline(set)) => (Some(set.as_str()), None),
        Some(ClientKeys::Uri(uri)) => (None, Some(uri.as_str())),
    };
    let subject = authentication.certificate_subject.as_ref();
    let constraint = client.sender_constraint;
    let values: &[&dyn ToValue] = &[
        &client.client_id,
        &client.name.as_str(),
        &client.description.as_str(),
        &client.status.as_str(),
        &client.scopes.as_str(),
        &Audience::join(&client.audiences),
        &client.identifiers.to_string(),
        &client.metadata.as_str(),
        &client.token_ttl.map(TokenTtl::seconds),
        &authentication.auth_methods.to_string(),
        &jwks,
        &jwks_uri,
        &subject.map(ToString::to_string),
        &client.created_at,
        &client.updated_at,
        &constraint.tls_client_certificate_bound_access_tokens,
        &constraint.dpop_bound_access_tokens,
        &client.managed_by.as_ref().map(ManagedBy::as_str),
        &client.token_quota.map(|quota| i64::from(quota.count())),
        &client.allowed_networks.to_string(),
        &search_text(client),
        &client.token_typ.map(TokenTyp::as_str),
        &client.exchange_rules.to_string(),
        &to_json(&authentication.identities)?,
        &authentication.token_endpoint_as_audience,
        &client.explicit_scopes_only,
    ];
    tx.execute(sql, values).await
}

/// Locks a client, so that it and its secrets stay as they are until the end of the transaction, and reads its row; `None`
/// if there is no such client. Fails if the actor may not write to the client as it is now: there is no other way to lock
/// one.
pub(in crate::store) async fn lock_client(
    tx: &mut Tx<'_>,
    id: &ClientId,
    effect: ClientEffect,
    stamp: Stamp<'_>,
) -> Result<Option<Client>> {
    let locked = lock_any_client(tx, id, effect, stamp).await?;
    locked.transpose()
}

/// [`lock_client`] for a client whose row may be damaged: then the inner result says why. Nobody can tell its rights, so it counts
/// as one that has the highest.
pub(in crate::store) async fn lock_any_client(
    tx: &mut Tx<'_>,
    id: &ClientId,
    effect: ClientEffect,
    stamp: Stamp<'_>,
) -> Result<Option<Result<Client>>> {
    let read = |row: &Row| Ok(read_client(row).map_err(|why| in_row(row, CLIENTS, why)));
    let locked = tx.fetch_optional(&LOCK, &[id], read).await?;
    let scopes = match &locked {
        None => return Ok(None),
        Some(Ok(client)) => client.scopes.clone(),
        Some(Err(_)) => ADMIN_WRITE_SCOPE.parse()?,
    };
    stamp.by.actor.check_client_write(id, &scopes, effect)?;
    Ok(locked)
}

pub(in crate::store) fn of_client(action: Action, id: &ClientId) -> NewEvent {
    NewEvent::of_client(action, id, Target::Client(id.clone()))
}
