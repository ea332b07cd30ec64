//! `/clients`: registering clients, looking at them, changing them, and switching them off.

pub(in crate::http) mod body;
pub(in crate::http) mod precondition;
pub(in crate::http) mod transfer;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::guard::Operator;
use super::secrets::{NewSecretAnswer, Shown};
use crate::app::error::{Error, Result};
use crate::app::{AddedSecret, ClientFilter, ClientsOrder, ClientsPart};
use crate::base::json;
use crate::base::secret::Secret;
use crate::domain::{Client, ClientId, ClientStatus, Scope};
use crate::http::admin_api::clients::body::{ClientAnswer, ClientChangesBody, NewClientBody};
use crate::http::admin_api::clients::precondition::{IfMatch, with_etag};
use crate::http::admin_api::request::{InPath, Json, Query};
use crate::http::openapi::{
    AdminActionErrors, AdminChangeErrors, AdminCreateErrors, AdminDeleteErrors, AdminItemErrors,
    AdminListErrors,
};
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::{AppState, response};

/// Which clients.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Filter {
    /// `enabled` or `disabled`
    #[param(nullable = false)]
    status: Option<String>,
    /// That may ask for this one scope
    #[param(nullable = false)]
    scope: Option<String>,
    /// Whose id begins so
    #[param(nullable = false)]
    prefix: Option<String>,
    /// Whose name begins so, in capitals or not: among the first 1000 of such names
    #[param(nullable = false)]
    name_prefix: Option<String>,
    /// `client_id`, `newest` or `oldest`; `client_id` when left out; no other with `prefix`, `name_prefix` or `scope`
    #[param(nullable = false)]
    order: Option<String>,
    /// Only those after this one: `next` of the page before, in the same order
    #[param(nullable = false)]
    after: Option<String>,
    /// At most so many: 1 to 1000, else 100
    #[param(nullable = false)]
    limit: Option<u32>,
}

/// A page of clients, in the order that was asked for.
#[derive(Serialize, ToSchema)]
struct Clients<'a> {
    #[schema(value_type = Vec<ClientAnswer>)]
    clients: &'a [Client],
    /// For the next page, as `after`; null: this is the last
    next: Option<&'a str>,
}

/// A client that was registered, and its secret, which can be had only now.
#[derive(Serialize, ToSchema)]
struct NewClientAnswer<'a> {
    #[schema(value_type = ClientAnswer)]
    client: &'a Client,
    /// Null for a client that may use no method with a secret
    #[schema(value_type = Option<NewSecretAnswer>)]
    secret: Option<Shown<'a>>,
}

/// Lists clients, without their secrets.
#[utoipa::path(get, path = "", tag = "Administration", params(Filter, ProofHeader), responses(
    (status = 200, description = "a page of them", body = Clients, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(super) async fn list_clients(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let filter = ClientFilter {
        status: query.take("status", |text| Ok(ClientStatus::parse(text)?))?,
        scope: query.take("scope", |text| Ok(Scope::parse_one(text)?))?,
        prefix: query.take("prefix", |text| Ok(text.to_owned()))?,
        name_prefix: query.take("name_prefix", |text| Ok(text.to_owned()))?,
    };
    let order = query.take("order", |text| Ok(text.parse::<ClientsOrder>()?))?;
    let order = order.unwrap_or_default();
    let part = ClientsPart {
        filter,
        order,
        after: query.take("after", |text| Ok(order.parse_place(text)?))?,
        limit: query.take_limit()?,
    };
    query.end()?;

    let found = app.clients.list(&part).await?;

    let page = Clients {
        clients: &found.clients,
        next: found.after.as_deref(),
    };
    Ok(response::json(StatusCode::OK, &page))
}

/// Registers a client. Its secret is in the answer and nowhere else.
#[utoipa::path(post, path = "", tag = "Administration",
    params(
        ("idempotency-key" = Option<String>, Header, description = "a name for this request: sent again within a day, it \
         is answered as the first time and registers nothing more"),
        ProofHeader,
    ),
    request_body(content = NewClientBody, content_type = "application/json"),
    responses(
        (status = 201, description = "it is registered", body = NewClientAnswer, headers(
            ("cache-control" = String), ("location" = String, description = "where it is, relative to this"),
        )),
        AdminCreateErrors,
    ),
)]
pub(super) async fn create_client(
    State(app): State<AppState>,
    operator: Operator,
    body: Result<Json<NewClientBody>, Error>,
) -> Result<Response> {
    let body = body?;
    let once = body.once(&operator.client_id);
    let (new, secret) = body.value.read(&app)?;

    let by = &operator.origin;
    let made = app
        .clients
        .register_once(by, new, secret, once.as_ref(), created);

    created_answer(&made.await?)
}

fn created(client: &Client, added: Option<&AddedSecret>) -> Result<Secret<String>> {
    let secret = added.map(Shown::from);
    let text = serde_json::to_string(&NewClientAnswer { client, secret });
    text.map(Secret::new).map_err(Error::internal)
}

/// What was kept has no headers; they follow from it.
fn created_answer(text: &Secret<String>) -> Result<Response> {
    #[derive(Deserialize)]
    struct Created {
        client: Named,
    }
    #[derive(Deserialize)]
    struct Named {
        client_id: ClientId,
    }
    let Created { client } = json::from_str(text.expose()).map_err(Error::internal)?;
    let id = utf8_percent_encode(client.client_id.as_str(), NON_ALPHANUMERIC);
    let location = HeaderValue::try_from(format!("clients/{id}")).map_err(Error::internal)?;
    let mut response = response::json_bytes(StatusCode::CREATED, text.expose().clone());
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// Shows a client, without its secrets.
#[utoipa::path(get, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "it", body = ClientAnswer, headers(
        ("cache-control" = String), ("etag" = String, description = "for `If-Match`"),
    )),
    AdminItemErrors,
))]
pub(super) async fn show_client(
    State(app): State<AppState>,
    id: Result<InPath<ClientId>, Error>,
) -> Result<Response> {
    let InPath(id) = id?;
    Ok(with_etag(&app.clients.find(&id).await?.client))
}

/// Changes a client; what is not named stays as it is. Its tokens say what they said.
#[utoipa::path(patch, path = "", tag = "Administration",
    params(
        ("if-match" = Option<String>, Header, description = "required: its ETag, or `*`"),
        ProofHeader,
    ),
    request_body(content = ClientChangesBody, content_type = "application/json"),
    responses(
        (status = 200, description = "as it is now", body = ClientAnswer, headers(
            ("cache-control" = String), ("etag" = String, description = "for `If-Match`"),
        )),
        AdminChangeErrors,
    ),
)]
pub(super) async fn update_client(
    State(app): State<AppState>,
    operator: Operator,
    id: Result<InPath<ClientId>, Error>,
    expected: Result<IfMatch, Error>,
    body: Result<Json<ClientChangesBody>, Error>,
) -> Result<Response> {
    let (InPath(id), IfMatch(expected)) = (id?, expected?);
    let changes = body?.value.read()?;

    let by = &operator.origin;
    let client = app.clients.update(by, &id, &expected, changes);

    Ok(with_etag(&client.await?))
}

/// Removes a client and its secrets, and revokes its tokens.
#[utoipa::path(delete, path = "", tag = "Administration",
    params(
        ("if-match" = Option<String>, Header, description = "required: its ETag, or `*`"),
        ProofHeader,
    ),
    responses(
        (status = 204, description = "it is gone", headers(("cache-control" = String))),
        AdminDeleteErrors,
    ),
)]
pub(super) async fn delete_client(
    State(app): State<AppState>,
    operator: Operator,
    id: Result<InPath<ClientId>, Error>,
    expected: Result<IfMatch, Error>,
) -> Result<Response> {
    let (InPath(id), IfMatch(expected)) = (id?, expected?);

    app.clients.delete(&operator.origin, &id, &expected).await?;

    Ok(response::nothing())
}

/// Lets a client have tokens again.
#[utoipa::path(post, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "as it is now", body = ClientAnswer, headers(
        ("cache-control" = String), ("etag" = String, description = "for `If-Match`"),
    )),
    AdminActionErrors,
))]
pub(super) async fn enable_client(
    State(app): State<AppState>,
    operator: Operator,
    id: Result<InPath<ClientId>, Error>,
) -> Result<Response> {
    let InPath(id) = id?;
    let client = app
        .clients
        .switch(&operator.origin, &id, ClientStatus::Enabled);
    Ok(with_etag(&client.await?))
}

/// Lets a client have no more tokens and revokes those it has; its record and secrets stay.
#[utoipa::path(post, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "as it is now", body = ClientAnswer, headers(
        ("cache-control" = String), ("etag" = String, description = "for `If-Match`"),
    )),
    AdminActionErrors,
))]
pub(super) async fn disable_client(
    State(app): State<AppState>,
    operator: Operator,
    id: Result<InPath<ClientId>, Error>,
) -> Result<Response> {
    let InPath(id) = id?;
    let client = app
        .clients
        .switch(&operator.origin, &id, ClientStatus::Disabled);
    Ok(with_etag(&client.await?))
}

/// Lets no file keep a client any more, so that what is changed by hand stays.
#[utoipa::path(post, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "as it is now", body = ClientAnswer, headers(
        ("cache-control" = String), ("etag" = String, description = "for `If-Match`"),
    )),
    AdminActionErrors,
))]
pub(super) async fn release_client(
    State(app): State<AppState>,
    operator: Operator,
    id: Result<InPath<ClientId>, Error>,
) -> Result<Response> {
    let InPath(id) = id?;
    let client = app.clients.detach(&operator.origin, &id);
    Ok(with_etag(&client.await?))
}

/// Revokes all tokens that a client was issued before now; it may have new ones.
#[utoipa::path(post, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 204, description = "they are revoked", headers(("cache-control" = String))),
    AdminActionErrors,
))]
pub(super) async fn revoke_tokens(
    State(app): State<AppState>,
    operator: Operator,
    id: Result<InPath<ClientId>, Error>,
) -> Result<Response> {
    let InPath(id) = id?;
    app.tokens.revoke_client(&operator.origin, &id).await?;
    Ok(response::nothing())
}
