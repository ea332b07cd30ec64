//! Owns how answers are written: JSON bodies, and the headers that whatever carries a token, a secret or
//! claims must have.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

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

/// The same, of JSON that is written already.
pub(super) fn json_bytes(status: StatusCode, json: impl Into<Body>) -> Response {
    let mut response = Response::new(json.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(MOST_HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whom a request was about, left in the answer for the log.
#[derive(Clone, Debug)]
pub(super) struct LoggedClient(pub(super) ClientId);
