//! `/explain`: which token a client would get, or why none; and why a request was refused.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::error::{Error, Result};
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
    /// The client that would ask
    client_id: String,
    /// Space-separated; all of the client's when left out
    scope: Option<String>,
    /// The client's first when left out
    audience: Option<String>,
}

/// Which exchange. The subject is a token or a client, either of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExchangeToExplain)]
pub(super) struct ExchangeBody {
    /// The token that would be exchanged
    #[schema(nullable = false)]
    subject_token: Option<String>,
    /// The client whose token would be exchanged: the one that it gets for the requester
    #[schema(nullable = false)]
    subject_client_id: Option<String>,
    /// The client that would ask
    requester: String,
    /// The target: whom the new token would be for
    audience: String,
    /// Space-separated; all that may result when left out
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

/// Says which token a client would get by an exchange (RFC 8693), without a signature, or which check would refuse it.
#[utoipa::path(post, path = "",
    request_body(content = ExchangeBody, content_type = "application/json"),
    responses(
        (status = 200, description = "a token taken apart, or a refusal", body = ExchangeExplanation),
    ),
)]
pub(super) async fn explain_exchange(
    State(app): State<AppState>,
    body: Result<Json<ExchangeBody>, Error>,
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
    /// As a client would send it
    assertion: String,
    /// The `client_id` beside it, if there is one
    client_id: Option<String>,
}

/// Says which rule a client assertion satisfies and which not, with what was expected and what came. The assertion is not
/// used up.
#[utoipa::path(post, path = "",
    request_body(content = AssertionBody, content_type = "application/json"),
    responses(
        (status = 200, description = "each rule", body = AssertionExplanation),
    ),
)]
pub(super) async fn explain_assertion(
    State(app): State<AppState>,
    body: Result<Json<AssertionBody>, Error>,
) -> Result<Response> {
    let body = body?.value;
    let (assertion, id) = (&body.assertion, body.client_id.as_deref());
    let explained = app.authentication.explain_assertion(assertion, id).await?;
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
