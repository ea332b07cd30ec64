//! `/explain`: which token a client would get, or why none; and why a request was refused.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::error::Result;
use crate::app::{
    AssertionExplanation, ExchangeExplanation, ExchangeQuestion, ExchangeSubject, TokenExplanation,
};
use crate::base::secret::Secret;
use crate::domain::RejectedRequest;
use crate::http::admin_api::request::Json;
use crate::http::openapi::NotFoundError;
use crate::http::request::query::Query;
use crate::http::{AppState, response};

/// What would be asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The client that would request the token
    client_id: String,
    /// Space-separated; by default all scopes of the client
    scope: Option<String>,
    /// By default the client's first
    audience: Option<String>,
}

/// The exchange to explain. The subject is a token or a client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExchangeToExplain)]
pub(super) struct ExchangeBody {
    /// The token to exchange
    #[schema(nullable = false)]
    subject_token: Option<String>,
    /// The client whose token is exchanged: the token that it would get for the requester
    #[schema(nullable = false)]
    subject_client_id: Option<String>,
    /// The client that requests the exchange
    requester: String,
    /// The target: the audience of the new token
    audience: String,
    /// Space-separated; by default all scopes that the rule permits
    #[schema(nullable = false)]
    scope: Option<String>,
}

/// Which request.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The `x-request-id` of its answer
    request_id: String,
}

/// The requests with an ID.
#[derive(Serialize, ToSchema)]
struct RejectedRequestList<'a> {
    /// The newest first. There are several only when callers chose the ID
    refusals: &'a [RejectedRequest],
}

/// Explains which token a client would get for a request (without its signature), or why none.
#[utoipa::path(get, path = "", params(Wanted), responses(
    (status = 200, description = "header and claims of a token, or a refusal", body = TokenExplanation),
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

/// Explains which token a client would get by an exchange (RFC 8693, without its signature), or which check fails.
#[utoipa::path(post, path = "", request_body = ExchangeBody, responses(
    (status = 200, description = "header and claims of a token, or a refusal", body = ExchangeExplanation),
))]
pub(super) async fn explain_exchange(
    State(app): State<AppState>,
    body: Result<Json<ExchangeBody>>,
) -> Result<Response> {
    let body = body?.value;
    let token = body.subject_token.map(Secret::new);
    let question = ExchangeQuestion {
        subject: ExchangeSubject::parse(token, body.subject_client_id)?,
        requester: body.requester,
        target: body.audience,
        scope: body.scope,
    };

    Ok(response::ok(&app.tokens.explain_exchange(&question).await?))
}

/// An assertion.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AssertionToExplain)]
pub(super) struct AssertionBody {
    /// The assertion, as the client sends it
    assertion: String,
    /// The `client_id` beside it, if there is one
    client_id: Option<String>,
}

/// Explains which rules a client assertion satisfies, with the expected and the actual value. It does not use the assertion up.
#[utoipa::path(post, path = "", request_body = AssertionBody, responses(
    (status = 200, description = "the result of each rule", body = AssertionExplanation),
))]
pub(super) async fn explain_assertion(
    State(app): State<AppState>,
    body: Result<Json<AssertionBody>>,
) -> Result<Response> {
    let body = body?.value;
    let (assertion, id) = (&body.assertion, body.client_id.as_deref());
    let explained = app.authentication.explain_assertion(assertion, id).await?;
    Ok(response::ok(&explained))
}

/// Explains why a request to `/authorize`, `/token`, `/introspect` or `/revoke` was refused, with time and source.
#[utoipa::path(get, path = "", params(Which), responses(
    (status = 200, description = "the refused requests, with their reasons", body = RejectedRequestList),
    NotFoundError,
))]
pub(super) async fn explain_request(
    State(app): State<AppState>,
    Query(Which { request_id }): Query<Which>,
) -> Result<Response> {
    let refusals = &app.audit.explain_request(&request_id).await?;

    Ok(response::ok(&RejectedRequestList { refusals }))
}
