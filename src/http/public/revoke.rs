//! `POST /revoke` (RFC 7009): a client gives a token of its own back.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;

use crate::app::error::Error;
use crate::domain::Actor;
use crate::http::AppState;
use crate::http::middleware::observe::RequestId;
use crate::http::openapi::RevokeErrors;
use crate::http::public::client_form::Form;
use crate::http::request::body::BodyParams;
use crate::http::request::caller::Caller;
use crate::http::response::WithLogContext;

/// Revokes a token of the calling client.
///
/// `token_type_hint` only helps a server to search (§2.1). This server has one type of token and ignores the hint.
#[utoipa::path(post, path = "", tag = "Clients",
    request_body(content(
        (Form = "application/x-www-form-urlencoded"),
        (Form = "application/json"),
    )),
    responses(
        (status = 200, description = "the token is revoked, or was not valid"),
        RevokeErrors,
    ),
    security(("client_secret_basic" = []), ("tls_client_auth" = []), ("self_signed_tls_client_auth" = []), ()),
)]
pub(in crate::http) async fn revoke_own_token(
    State(app): State<AppState>,
    Extension(request_id): Extension<RequestId>,
    peer: Caller,
    headers: HeaderMap,
    params: Result<BodyParams, Error>,
) -> Result<WithLogContext, Error> {
    let BodyParams(params) = params?;
    let source = peer.source;
    let asked = Form::from(params).authenticate(&app, peer, &headers, "/revoke");
    let (client, token) = asked.await?;

    let by = request_id.origin(Actor::Client(client.client_id.clone()), source);
    let revoked = app.tokens.revoke_own(&by, &client, &token).await?;

    // §2.2: the client looks at the status alone.
    let response = [(CACHE_CONTROL, "no-store")].into_response();
    Ok(WithLogContext::about(&client.client_id, response).without_saying(revoked.err()))
}
