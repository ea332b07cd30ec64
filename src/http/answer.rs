//! Owns how answers are written: JSON bodies, and the headers that whatever carries a token, a secret or
//! claims must have.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::domain::ClientId;
use crate::error::Error;

/// A JSON answer. `no-store` always: nearly all of them carry a token, a secret or claims, and none is
/// worth caching.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = status;
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => Error::internal(error).into_response(),
    }
}

/// Whom a request was about, left in the answer for the log.
#[derive(Clone, Debug)]
pub(super) struct LoggedClient(pub(super) ClientId);
