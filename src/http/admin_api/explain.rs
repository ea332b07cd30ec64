//! `/explain`: which token a client would get, or why none; and why a request was refused.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::TokenExplanation;
use crate::app::error::Result;
use crate::domain::RejectedRequest;
use crate::http::openapi::NotFoundError;
use crate::http::request::query::Query;
use crate::http::{AppState, response};

/// What would be asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The client that would ask
    client_id: String,
    /// Space-separated; all of the client's when left out
    scope: Option<String>,
    /// The client's first when left out
    audience: Option<String>,
}

/// Which request.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The `x-request-id` of its answer
    request_id: String,
}

/// The requests of an id.
#[derive(Serialize, ToSchema)]
struct RejectedRequestList<'a> {
    /// The last one first. There is more than one only when callers chose the id themselves
    refusals: &'a [RejectedRequest],
}

/// Says which token a client would get for a request, without a signature, or why it would get none.
#[utoipa::path(get, path = "", params(Wanted), responses(
    (status = 200, description = "a token taken apart, or a refusal", body = TokenExplanation),
))]
pub(super) async fn explain_token(
    State(app): State<AppState>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let (scope, audience) = (wanted.scope.as_deref(), wanted.audience.as_deref());
    let explained = app
        .tokens
        .explain(&wanted.client_id, scope, audience)
        .await?;

    Ok(response::ok(&explained))
}

/// Says why a request to `/authorize`, `/token`, `/introspect` or `/revoke` was refused, when, and from where it came.
#[utoipa::path(get, path = "", params(Which), responses(
    (status = 200, description = "the true reason", body = RejectedRequestList),
    NotFoundError,
))]
pub(super) async fn explain_request(
    State(app): State<AppState>,
    Query(Which { request_id }): Query<Which>,
) -> Result<Response> {
    let refusals = &app.audit.explain_request(&request_id).await?;

    Ok(response::ok(&RejectedRequestList { refusals }))
}
