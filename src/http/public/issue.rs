//! Issuing a token over HTTP: the one flow of `/authorize` and `/token`, which differ in what they ask for and how they
//! answer.

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{ClientAuthentication, GrantRequest};
use crate::domain::{Attempt, Client, QUOTA_WINDOW, QuotaState};
use crate::http::AppState;
use crate::http::request::body::BodyParams;
use crate::http::request::caller::Caller;
use crate::http::request::params::Params;
use crate::http::request::proof_of_possession;
use crate::http::response;
use crate::http::response::WithLogContext;
use crate::jwt::AccessToken;

pub(super) struct TokenEndpoint {
    /// Reads the client authentication first, then what is asked for.
    pub(super) read: fn(&HeaderMap, Params, Caller) -> Result<(ClientAuthentication, GrantRequest)>,
    pub(super) write_token: fn(&AccessToken<'_>) -> serde_json::Result<Vec<u8>>,
    pub(super) write_error: fn(Error) -> Response,
}

impl TokenEndpoint {
    pub(super) async fn answer(&'static self, app: AppState, request: Request) -> WithLogContext {
        let (parts, body) = request.into_parts();
        match self.issue(&app, &parts, body).await {
            Ok(issued) => issued,
            Err(error) => (self.write_error)(error).into(),
        }
    }

    async fn issue(&self, app: &AppState, parts: &Parts, body: Body) -> Result<WithLogContext> {
        let headers = &parts.headers;
        let caller = Caller::of(parts, &app.config().proxies)?;
        let BodyParams(params) = BodyParams::read(headers, body, app).await?;
        let source = caller.source;
        let proofs =
            proof_of_possession::of_token_request(app, &caller, headers, parts.uri.path())?;
        let (presented, request) = (self.read)(headers, params, caller)?;

        let client = app.authentication.authenticate(&presented, source).await?;
        let issued = app.tokens.issue(&client, request, &proofs, source).await;
        let token = issued
            .map_err(|error| error.with_attempt(Attempt::of_client(&client.client_id, source)))?;

        let json = (self.write_token)(&token).map_err(Error::internal)?;
        let mut response = response::json_bytes(StatusCode::OK, json);
        warn_if_near_quota(app, &client, &mut response);
        Ok(WithLogContext::about(token.client_id, response))
    }
}

/// Both as the httpapi working group of the IETF drafts them.
const QUOTA_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const QUOTA_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Warns a client that its quota of tokens is nearly used up, by two headers of an answer with a token.
fn warn_if_near_quota(app: &AppState, client: &Client, response: &mut Response) {
    if client.token_quota.is_some() {
        warn_of_quota(app, client, response);
    }
}

#[cold]
fn warn_of_quota(app: &AppState, client: &Client, response: &mut Response) {
    let Some(state) = app.tokens.quota_warning(client) else {
        return;
    };
    let QuotaState { quota, ends_at, .. } = state;
    let rest = ends_at.since(app.clock().now());
    let headers = response.headers_mut();
    for (name, value) in [
        (
            QUOTA_POLICY,
            format!(r#""tokens";q={quota};w={QUOTA_WINDOW}"#),
        ),
        (
            QUOTA_LIMIT,
            format!(r#""tokens";r={};t={rest}"#, state.remaining()),
        ),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}
