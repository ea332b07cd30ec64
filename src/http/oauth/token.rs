//! `POST /token` (RFC 6749 §4.4): client credentials in, access token out, for every OAuth library.

use axum::extract::State;
use axum::http::header::PRAGMA;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{ErrorCode, Scope};
use crate::error::{Error, Result};
use crate::http::AppState;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::client_authentication::client_authentication;
use crate::http::params::{BodyParams, Params};
use crate::http::token_request::token_request;

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct Answer<'a> {
    access_token: &'a RawValue,
    token_type: &'a str,
    expires_in: i64,
    scope: &'a Scope,
}

pub(in crate::http) async fn issue_token(
    State(app): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    params: Result<BodyParams>,
) -> Response {
    let answered = answer(&app, caller, &headers, params).await;
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    // RFC 6749 §5.1 asks for it beside `no-store`.
    let no_cache = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(PRAGMA, no_cache);
    response
}

async fn answer(
    app: &AppState,
    caller: Caller,
    headers: &HeaderMap,
    params: Result<BodyParams>,
) -> Result<Response> {
    let BodyParams(mut params) = params?;
    let source = caller.source;
    let presented = client_authentication(headers, &mut params, caller, "/token")?;
    check_grant_type(&mut params)?;
    let request = token_request(&mut params)?;

    let client = app.authenticate(&presented, source).await?;
    let token = app.issue_token(&client, request)?;

    let mut response = answer::json(
        StatusCode::OK,
        &Answer {
            access_token: &answer::jwt_string(&token.jwt)?,
            token_type: "Bearer",
            expires_in: token.expires_in(),
            scope: &token.claims.scope,
        },
    );
    answer::note(&mut response, token.claims.client_id, None);
    Ok(response)
}

fn check_grant_type(params: &mut Params) -> Result<()> {
    match params.take("grant_type").as_deref() {
        Some("client_credentials") => Ok(()),
        Some(_) => Err(Error::new(
            ErrorCode::UnsupportedGrantType,
            "the grant_type of this server is client_credentials",
        )),
        None => Err(Error::invalid_request(
            "grant_type is missing; it has to be client_credentials",
        )),
    }
}
