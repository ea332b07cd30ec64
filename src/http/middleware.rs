//! Owns what every request goes through: its id, the limits of its head, the headers of its answer
//! and its one line in the log.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use uuid::Uuid;

use super::AppState;
use super::answer::LoggedClient;
use super::error::{self, LoggedError};
use super::params::check_announced_length;
use crate::clock::Stopwatch;
use crate::domain::{Actor, ClientId, ErrorCode, Origin};
use crate::error::{Error, Result};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn observe(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let stopwatch = Stopwatch::start();
    let request_id = request_id(request.headers());
    let method = request.method().clone();
    // The matched route, never the path: a path may hold what should not be in a log.
    let route = request.extensions().get::<MatchedPath>().cloned();
    if !route.as_ref().is_some_and(is_asked_most) {
        let left = RequestId(request_id.clone());
        request.extensions_mut().insert(left);
    }
    let limits = &app.config().http;
    let checked = check_head(&request, limits.max_head)
        .and_then(|()| check_announced_length(request.headers(), limits.max_body));

    let mut response = match checked {
        Ok(()) => AssertUnwindSafe(next.run(request))
            .catch_unwind()
            .await
            .unwrap_or_else(error::panicked),
        Err(error) => error.into_response(),
    };

    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    log(
        &response,
        method.as_str(),
        route.as_ref().map_or("(none)", MatchedPath::as_str),
        request_id.to_str().unwrap_or_default(),
        stopwatch,
    );
    response.headers_mut().insert(X_REQUEST_ID, request_id);
    response
}

/// Whether a route changes nothing, and is asked so often that it should not pay for what others need.
fn is_asked_most(route: &MatchedPath) -> bool {
    matches!(route.as_str(), "/verify" | "/authorize" | "/token")
}

/// The id of a request, left in it for the audit trail.
#[derive(Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// As text.
    pub(super) fn to_text(&self) -> Option<String> {
        self.0.to_str().ok().map(str::to_owned)
    }

    /// Where a change comes from that this request asks for.
    pub(super) fn origin(&self, actor: Actor, source: IpAddr) -> Origin {
        Origin {
            actor,
            source: Some(source),
            request_id: self.to_text(),
        }
    }
}

/// The caller's id when it is sane: short, and nothing that could forge a log line. Else one of ours.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sane = |value: &&HeaderValue| {
        (1..=128).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b))
    };
    if let Some(theirs) = headers.get(X_REQUEST_ID).filter(sane) {
        return theirs.clone();
    }
    let mut buffer = Uuid::encode_buffer();
    let ours = Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(ours).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

/// The server reads somewhat more than `max_head` so that this can say why it goes no further.
fn check_head(request: &Request, max_head: usize) -> Result<()> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if target + headers > max_head {
        let description = format!("a request's head has at most {max_head} bytes");
        return Err(Error::new(ErrorCode::HeaderFieldsTooLarge, description));
    }
    Ok(())
}

/// One line a request: 5xx at `error`, the rest at `info`.
fn log(response: &Response, method: &str, route: &str, request_id: &str, stopwatch: Stopwatch) {
    let status = response.status().as_u16();
    let extensions = response.extensions();
    let client_id = extensions
        .get::<LoggedClient>()
        .map(|LoggedClient(id)| ClientId::as_str(id));
    let latency_us = u64::try_from(stopwatch.elapsed().as_micros()).unwrap_or(u64::MAX);
    let error = extensions
        .get::<LoggedError>()
        .map(|LoggedError(error)| error);
    let code = error.map(|error| error.code.as_str());
    let reason = error.map(|error| error.reason());
    if response.status() >= StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(
            request_id,
            method,
            route,
            status,
            client_id,
            latency_us,
            error = code,
            reason,
            "answered"
        );
    } else {
        tracing::info!(
            request_id,
            method,
            route,
            status,
            client_id,
            latency_us,
            error = code,
            reason,
            "answered"
        );
    }
}
