//! `/clients`: registering clients, looking at them, changing them, and switching them off.

pub(in crate::http) mod body;
pub(in crate::http) mod precondition;
pub(in crate::http) mod transfer;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::guard::Operator;
use crate::app::error::{Error, Result};
use crate::app::{AddedSecret, ClientFilter, ClientOrder, ClientQuery};
use crate::base::json;
use crate::base::secret::Secret;
use crate::domain::{Client, ClientId, ClientStatus, Scope};
use crate::http::admin_api::clients::body::{ClientAnswer, ClientChangesBody, NewClientBody};
use crate::http::admin_api::clients::precondition::{IfMatch, with_etag};
use crate::http::admin_api::request::{IdempotencyKey, InPath, Json};
use crate::http::request::query::{DEFAULT_LIMIT, Query, limit, parse_with, parsed};
use crate::http::{AppState, response};

/// Which clients.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    #[param(inline)]
    status: Option<ClientStatus>,
    /// Only clients that may request this scope
    #[serde(default, deserialize_with = "one_scope")]
    #[param(value_type = Option<String>)]
    scope: Option<Scope>,
    /// Only clients whose ID, name or scopes contain this text, in upper or lower case
    search: Option<String>,
    /// Only clients whose ID starts with this text
    prefix: Option<String>,
    /// Only clients whose name starts with this text, in upper or lower case
    name_prefix: Option<String>,
    /// `client_id` (the default), `newest` or `oldest`; only `client_id` with `search`, `prefix`, `name_prefix` or `scope`
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    order: Option<ClientOrder>,
    /// Continue after this client: `next` of the previous page, with the same order
    after: Option<String>,
    /// The most results
    #[serde(default, deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

fn one_scope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Scope>, D::Error> {
    parse_with(deserializer, Scope::parse_one)
}

/// A page of clients, in the requested order.
#[derive(Serialize, ToSchema)]
struct Clients<'a> {
    #[schema(value_type = Vec<ClientAnswer>)]
    clients: &'a [Client],
    /// For the next page, as `after`; null: this is the last
    next: Option<&'a str>,
}

/// A new client, and its secret, which the server shows only here.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedClient)]
struct NewClientAnswer<'a> {
    #[schema(value_type = ClientAnswer)]
    client: &'a Client,
    /// Null for a client without a method that uses a secret
    secret: Option<&'a AddedSecret>,
}

/// Lists clients, without their secrets.
#[utoipa::path(get, path = "", params(Filter), responses(
    (status = 200, description = "one page", body = Clients),
))]
pub(super) async fn list_clients(
    State(app): State<AppState>,
    Query(query): Query<Filter>,
) -> Result<Response> {
    let order = query.order.unwrap_or_default();
    let after = query.after.map(|text| order.parse_place(&text));
    let part = ClientQuery {
        filter: ClientFilter {
            status: query.status,
            scope: query.scope,
            prefix: query.prefix,
            name_prefix: query.name_prefix,
            search: query.search,
        },
        order,
        after: after.transpose()?,
        limit: query.limit.unwrap_or(DEFAULT_LIMIT),
    };

    let found = app.clients.list(&part).await?;

    let page = Clients {
        clients: &found.clients,
        next: found.after.as_deref(),
    };
    Ok(response::ok(&page))
}

/// Creates a client. Only this response contains its secret.
#[utoipa::path(post, path = "", params(IdempotencyKey), request_body = NewClientBody, responses(
    (status = 201, description = "the new client and its secret", body = NewClientAnswer, headers(("location"))),
))]
pub(super) async fn create_client(
    Operator {
        app, by, client_id, ..
    }: Operator,
    body: Result<Json<NewClientBody>>,
) -> Result<Response> {
    let body = body?;
    let once = body.once(&client_id);
    let (new, secret) = body.value.read(&app)?;

    let made = app
        .clients
        .register_once(&by, new, secret, once.as_ref(), created);

    created_answer(&made.await?)
}

fn created(client: &Client, secret: Option<&AddedSecret>) -> Result<Secret<String>> {
    let text = serde_json::to_string(&NewClientAnswer { client, secret });
    text.map(Secret::new).map_err(Error::internal)
}

/// The stored response has no headers; they follow from it.
fn created_answer(text: &Secret<String>) -> Result<Response> {
    let created: Value = json::from_str(text.expose()).map_err(Error::internal)?;
    let id = created["client"]["client_id"].as_str();
    let id = id.ok_or_else(|| Error::internal(anyhow::anyhow!("an answer without a client")))?;
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    let location = HeaderValue::try_from(format!("clients/{id}")).map_err(Error::internal)?;
    let mut response = response::json_bytes(StatusCode::CREATED, text.expose().clone());
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// Shows a client, without its secrets.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the client", body = ClientAnswer, headers(("etag"))),
))]
pub(super) async fn show_client(
    State(app): State<AppState>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    Ok(with_etag(&app.clients.find(&id).await?.client))
}

/// Changes the given members of a client. Its existing tokens do not change.
#[utoipa::path(patch, path = "", params(IfMatch), request_body = ClientChangesBody, responses(
    (status = 200, description = "the changed client", body = ClientAnswer, headers(("etag"))),
))]
pub(super) async fn update_client(
    Operator { app, by, .. }: Operator,
    id: Result<InPath<ClientId>>,
    expected: Result<IfMatch>,
    body: Result<Json<ClientChangesBody>>,
) -> Result<Response> {
    let (InPath(id), IfMatch { expected }) = (id?, expected?);
    let changes = body?.value.read()?;

    let client = app.clients.update(&by, &id, &expected, changes);
    Ok(with_etag(&client.await?))
}

/// Deletes a client and its secrets, and revokes its tokens.
#[utoipa::path(delete, path = "", params(IfMatch), responses(
    (status = 204, description = "the client is deleted"),
))]
pub(super) async fn delete_client(
    Operator { app, by, .. }: Operator,
    InPath(id): InPath<ClientId>,
    IfMatch { expected }: IfMatch,
) -> Result<Response> {
    app.clients.delete(&by, &id, &expected).await?;
    Ok(response::nothing())
}

/// Enables a client: it can get tokens again.
#[utoipa::path(post, path = "", responses(
    (status = 200, description = "the changed client", body = ClientAnswer, headers(("etag"))),
))]
pub(super) async fn enable_client(
    operator: Operator,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    set_status(&operator, &id, ClientStatus::Enabled).await
}

/// Disables a client and revokes its tokens; it gets no new ones, and keeps its secrets.
#[utoipa::path(post, path = "", responses(
    (status = 200, description = "the changed client", body = ClientAnswer, headers(("etag"))),
    (status = 204, description = "the client is disabled, but cannot be shown: its stored record is damaged"),
))]
pub(super) async fn disable_client(
    operator: Operator,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    set_status(&operator, &id, ClientStatus::Disabled).await
}

async fn set_status(
    Operator { app, by, .. }: &Operator,
    id: &ClientId,
    status: ClientStatus,
) -> Result<Response> {
    Ok(match app.clients.set_status(by, id, status).await? {
        Some(client) => with_etag(&client),
        None => response::nothing(),
    })
}

/// Detaches a client from the manifest that manages it, so that changes by hand stay.
#[utoipa::path(post, path = "", responses(
    (status = 200, description = "the changed client", body = ClientAnswer, headers(("etag"))),
))]
pub(super) async fn release_client(
    Operator { app, by, .. }: Operator,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    Ok(with_etag(&app.clients.detach(&by, &id).await?))
}

/// Revokes all tokens of a client; it can get new ones.
#[utoipa::path(post, path = "", responses(
    (status = 204, description = "the client's tokens are revoked"),
))]
pub(super) async fn revoke_client_tokens(
    Operator { app, by, .. }: Operator,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    app.tokens.revoke_client(&by, &id).await?;
    Ok(response::nothing())
}
