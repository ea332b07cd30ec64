//! Owns how answers are written: JSON bodies, and the headers that whatever carries a token, a secret or
//! claims must have.

pub(in crate::http) mod download;
pub(in crate::http) mod error;
#[cfg(test)]
mod error_descriptions;
pub(in crate::http) mod hsts;

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::error::Error;
use crate::domain::ClientId;

/// As many headers as an answer of ours has at most; room made once is cheaper than growing for each.
const MOST_HEADERS: usize = 12;

/// More than anything beside a JWT nearly always takes.
pub(super) const ROOM_BESIDE_JWT: usize = 256;

/// A JSON answer. `no-store` always: nearly all of them carry a token, a secret or claims, and none is
/// worth caching.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_bytes(status, bytes),
        Err(error) => Error::internal(error).into_response(),
    }
}

/// A JSON answer that says that all went well.
pub(super) fn ok(value: &impl Serialize) -> Response {
    json(StatusCode::OK, value)
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

/// That it is done, and there is no more to say.
pub(super) fn nothing() -> Response {
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (StatusCode::NO_CONTENT, [no_store]).into_response()
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

/// An answer, and what the log is told of it.
pub(super) struct WithLogContext {
    pub(super) response: Response,
    pub(super) note: LogContext,
}

/// What an answer does not say itself.
#[derive(Clone, Debug, Default)]
pub(super) struct LogContext {
    /// Whom the request was about.
    pub(super) client_id: Option<ClientId>,
    /// What went wrong, of which the answer may say less or nothing.
    pub(super) error: Option<Arc<Error>>,
}

impl WithLogContext {
    /// An answer to a request that was about a client.
    pub(super) fn about(client_id: &ClientId, response: Response) -> Self {
        let client_id = Some(client_id.clone());
        let note = LogContext {
            client_id,
            error: None,
        };
        Self { response, note }
    }

    /// And what is not said to the caller.
    pub(super) fn without_saying(mut self, error: Option<Error>) -> Self {
        self.note.error = error.map(Arc::new);
        self
    }
}

/// Through the layers of the router the note travels with the answer.
impl IntoResponse for WithLogContext {
    fn into_response(mut self) -> Response {
        self.response.extensions_mut().insert(self.note);
        self.response
    }
}

impl From<Response> for WithLogContext {
    fn from(mut response: Response) -> Self {
        let note = response.extensions_mut().remove().unwrap_or_default();
        Self { response, note }
    }
}
