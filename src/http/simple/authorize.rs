//! `POST /authorize`: credentials in, token out.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::domain::{ClientId, Scope};
use crate::error::Error;
use crate::http::AppState;
use crate::http::answer::{self, LoggedClient};
use crate::http::credentials::client_credentials;
use crate::http::error::SimpleError;
use crate::http::params::BodyParams;
use crate::http::token_request::token_request;

#[derive(Serialize)]
struct Answer<'a> {
    success: bool,
    client_id: &'a ClientId,
    token: &'a str,
    token_type: &'a str,
    expires_in: i64,
    scope: &'a Scope,
}

pub(in crate::http) async fn authorize(
    State(app): State<AppState>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    params: Result<BodyParams, Error>,
) -> Result<Response, SimpleError> {
    let BodyParams(mut params) = params?;
    let credentials = client_credentials(&headers, &mut params)?;
    let request = token_request(&mut params)?;

    let client = app.authenticate(&credentials, source.ip()).await?;
    let token = app.issue_token(&client, request)?;

    let mut response = answer::json(
        StatusCode::OK,
        &Answer {
            success: true,
            client_id: &token.claims.client_id,
            token: &token.jwt,
            token_type: "Bearer",
            expires_in: token.expires_in(),
            scope: &token.claims.scope,
        },
    );
    response
        .extensions_mut()
        .insert(LoggedClient(token.claims.client_id));
    Ok(response)
}
