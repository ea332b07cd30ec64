//! `POST /authorize`: credentials in, token out.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::{ClientId, Scope};
use crate::error::Error;
use crate::http::AppState;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::client_authentication::{ClientAuthenticationForm, find_client_authentication};
use crate::http::error::SimpleError;
use crate::http::openapi::AuthorizeErrors;
use crate::http::params::BodyParams;
use crate::http::sender::{self, ProofHeader};
use crate::http::token_request::{TokenRequestForm, token_request};

/// The credentials, and what the token is to be for.
#[derive(Serialize, ToSchema)]
#[schema(as = SimpleTokenRequest)]
struct Form {
    #[serde(flatten)]
    request: TokenRequestForm,
    #[serde(flatten)]
    client: ClientAuthenticationForm,
}

/// A token.
#[derive(Serialize, ToSchema)]
#[schema(as = SimpleToken)]
struct Answer<'a> {
    success: bool,
    #[schema(value_type = String)]
    client_id: &'a ClientId,
    #[schema(value_type = String)]
    token: &'a RawValue,
    /// `Bearer`, or `DPoP` for a token bound to the key of a proof
    token_type: &'a str,
    /// Seconds
    expires_in: i64,
    /// What was granted, space-separated
    #[schema(value_type = String)]
    scope: &'a Scope,
}

/// Gives a client a token, in the simple contract.
#[utoipa::path(post, path = "", tag = "Clients",
    request_body(content(
        (Form = "application/x-www-form-urlencoded"),
        (Form = "application/json"),
    )),
    params(ProofHeader),
    responses(
        (status = 200, description = "a token", body = Answer, headers(("cache-control" = String),
            ("dpop-nonce" = String, description = "for the next DPoP proof, if there was one"))),
        AuthorizeErrors,
    ),
    security(("client_secret_basic" = []), ("tls_client_auth" = []), ("self_signed_tls_client_auth" = []), ()),
)]
pub(in crate::http) async fn authorize(
    State(app): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    params: Result<BodyParams, Error>,
) -> Response {
    let proof_came = sender::has_proof(&headers);
    let answered = answer(&app, caller, &headers, params).await;
    let mut response = answered.unwrap_or_else(|error| SimpleError::from(error).into_response());
    sender::offer_nonce(&app, proof_came, &mut response);
    response
}

async fn answer(
    app: &AppState,
    caller: Caller,
    headers: &HeaderMap,
    params: Result<BodyParams, Error>,
) -> Result<Response, Error> {
    let BodyParams(mut params) = params?;
    let source = caller.source;
    let shown = sender::of_token_request(app, &caller, headers, "/authorize")?;
    let presented = find_client_authentication(headers, &mut params, caller, "/authorize")?
        .ok_or_else(no_credentials)?;
    let request = token_request(&mut params)?;

    let client = app.authenticate(&presented, source).await?;
    let token = app.issue_token_to_sender(&client, request, &shown).await?;

    let mut response = answer::json(
        StatusCode::OK,
        &Answer {
            success: true,
            client_id: &token.claims.client_id,
            token: &answer::jwt_string(&token.jwt)?,
            token_type: token.claims.token_type(),
            expires_in: token.expires_in(),
            scope: &token.claims.scope,
        },
    );
    answer::note(&mut response, token.claims.client_id, None);
    Ok(response)
}

/// A missing parameter, in the simple contract.
fn no_credentials() -> Error {
    Error::invalid_request(
        "client_id and client_secret are both needed, in the body or as HTTP Basic",
    )
}
