//! `/explain`: which token a client would get, or why none; and why a request was refused.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::error::{Error, Result};
use crate::domain::RefusedRequest;
use crate::http::admin_api::request::Query;
use crate::http::openapi::{AdminItemErrors, AdminListErrors};
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::{AppState, response};

/// What would be asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Wanted {
    /// The client that would ask
    client_id: String,
    /// Space-separated; all of the client's when left out
    #[param(nullable = false)]
    scope: Option<String>,
    /// The client's first when left out
    #[param(nullable = false)]
    audience: Option<String>,
}

/// Which request.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Which {
    /// The `x-request-id` of its answer
    request_id: String,
}

/// What a client would get, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenExplanation)]
struct Explanation {
    /// Whether it would get a token, once it has proved itself
    granted: bool,
    /// The token's header; null: none is issued
    #[schema(value_type = Option<Object>)]
    header: (),
    /// The token's claims; null: none is issued
    #[schema(value_type = Option<Object>)]
    claims: (),
    /// Why none is issued; null: one is
    refusal: Option<Refusal>,
    /// What else has to be known, in sentences
    remarks: Vec<String>,
    /// The last requests in its name that were refused, the newest first
    refusals: Vec<Refused>,
}

/// Why there would be no token, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = ExplainedRefusal)]
struct Refusal {
    /// What the client would be told
    error: String,
    error_description: String,
    /// The true reason
    reason: String,
}

/// A request that was refused, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedRequest)]
struct Refused {
    request_id: String,
    at: i64,
    /// The path
    route: String,
    /// In whose name; null: in that of no known client
    client_id: Option<String>,
    /// Of a name that is not known: its first characters and its length
    hint: String,
    /// The address it came from
    source: String,
    /// What the caller was told
    error: String,
    /// The true reason
    reason: String,
}

/// The requests of an id.
#[derive(Serialize, ToSchema)]
struct RefusedRequests<'a> {
    /// The last one first. There is more than one only when callers chose the id themselves
    #[schema(value_type = Vec<Refused>)]
    refusals: &'a [RefusedRequest],
}

/// Says which token a client would get for a request, without a signature, or why it would get none.
#[utoipa::path(get, path = "", tag = "Administration", params(Wanted, ProofHeader), responses(
    (status = 200, description = "a token taken apart, or a refusal", body = Explanation,
        headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(super) async fn explain_token(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let mut take = |name| query.take(name, |text| Ok(text.to_owned()));
    let (client_id, scope, audience) = (take("client_id")?, take("scope")?, take("audience")?);
    query.end()?;
    let client_id = client_id.ok_or_else(|| Error::invalid_request("`client_id` is missing"))?;

    let explained = app
        .tokens
        .explain(&client_id, scope.as_deref(), audience.as_deref())
        .await?;

    Ok(response::json(StatusCode::OK, &explained))
}

/// Says why a request to `/authorize`, `/token`, `/introspect` or `/revoke` was refused, when, and from where it came.
#[utoipa::path(get, path = "", tag = "Administration", params(Which, ProofHeader), responses(
    (status = 200, description = "the true reason", body = RefusedRequests, headers(("cache-control" = String))),
    AdminItemErrors,
))]
pub(super) async fn explain_request(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let request_id = query.take("request_id", |text| Ok(text.to_owned()))?;
    query.end()?;
    let request_id = request_id.ok_or_else(|| Error::invalid_request("`request_id` is missing"))?;

    let refusals = &app.audit.explain_request(&request_id).await?;

    Ok(response::json(
        StatusCode::OK,
        &RefusedRequests { refusals },
    ))
}
