//! Owns how answers are written: JSON bodies, and the headers that whatever carries a token, a secret or
//! claims must have.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::LoggedError;
use crate::domain::ClientId;
use crate::error::Error;

/// As many headers as an answer of ours has at most; room made once is cheaper than growing for each.
const MOST_HEADERS: usize = 12;

/// A JSON answer. `no-store` always: nearly all of them carry a token, a secret or claims, and none is
/// worth caching.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_bytes(status, bytes),
        Err(error) => Error::internal(error).into_response(),
    }
}

/// The same of an object whose last member is an empty text: the JWT's place. A JWT is base64url and dots
/// (RFC 7515 §7.1), so nothing in it needs escaping, and looking at each of its characters for that would take a
/// twentieth of the time of a login.
pub(super) fn json_with_jwt(object: &impl Serialize, jwt: &str) -> Response {
    match serde_json::to_string(object) {
        Ok(json) => match json.strip_suffix("\"}") {
            Some(before) => json_bytes(StatusCode::OK, [before, jwt, "\"}"].concat()),
            None => Error::internal(anyhow::anyhow!("no place for a JWT")).into_response(),
        },
        Err(error) => Error::internal(error).into_response(),
    }
}

/// The same, of JSON that is written already.
pub(super) fn json_bytes(status: StatusCode, json: impl Into<Body>) -> Response {
    secret(status, "application/json", json)
}

/// An answer of any type that nobody may keep.
pub(super) fn secret(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(MOST_HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A JSON answer that says nothing secret and changes seldom: caches may keep it for `max_age`.
pub(super) fn cacheable_json(value: &impl Serialize, max_age: &'static str) -> Response {
    let mut response = json(StatusCode::OK, value);
    if response.status() == StatusCode::OK {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(max_age));
    }
    response
}

/// Leaves in an answer, for the log, who asked and what was not said.
pub(super) fn note(response: &mut Response, client_id: ClientId, unsaid: Option<Error>) {
    let extensions = response.extensions_mut();
    extensions.insert(LoggedClient(client_id));
    if let Some(error) = unsaid {
        extensions.insert(LoggedError(Arc::new(error)));
    }
}

/// Whom a request was about, left in the answer for the log.
#[derive(Clone, Debug)]
pub(super) struct LoggedClient(pub(super) ClientId);
