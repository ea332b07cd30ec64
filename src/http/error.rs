//! Owns how an error answers: code to status, headers and JSON, in one place.

use std::any::Any;
use std::sync::Arc;

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer;
use crate::domain::ErrorCode;
use crate::error::Error;

/// The error of an answer, left in it for the log.
#[derive(Clone, Debug)]
pub(super) struct LoggedError(pub(super) Arc<Error>);

/// The body of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct Body<'a> {
    /// `false`, in what /authorize and /verify answer
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    success: Option<bool>,
    /// For programs
    error: &'a str,
    /// One sentence for people
    error_description: &'a str,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        respond(self, None)
    }
}

/// An error of the simple contract: the same, and `"success": false` with it.
pub(super) struct SimpleError(Error);

impl From<Error> for SimpleError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for SimpleError {
    fn into_response(self) -> Response {
        respond(self.0, Some(false))
    }
}

fn respond(error: Error, success: Option<bool>) -> Response {
    let body = Body {
        success,
        error: error.code.as_str(),
        error_description: &error.description,
    };
    let mut response = answer::json(status(error.code), &body);
    let headers = response.headers_mut();
    if let Some(challenge) = challenge(&error) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
        .extensions_mut()
        .insert(LoggedError(Arc::new(error)));
    response
}

pub(super) fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidRequest
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::UnauthorizedClient => StatusCode::BAD_REQUEST,
        ErrorCode::InvalidClient | ErrorCode::InvalidToken | ErrorCode::MissingToken => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        ErrorCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::HeaderFieldsTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether an answer with this code has `WWW-Authenticate`.
pub(super) fn has_challenge(code: ErrorCode) -> bool {
    challenge(&Error::new(code, "")).is_some()
}

/// `WWW-Authenticate`: RFC 6749 §5.2 for a client, RFC 6750 §3 for a token.
fn challenge(error: &Error) -> Option<HeaderValue> {
    let code = error.code.as_str();
    let description = quoted(&error.description);
    let text = match error.code {
        ErrorCode::InvalidClient => r#"Basic realm="token-server", charset="UTF-8""#.to_owned(),
        ErrorCode::MissingToken => r#"Bearer realm="token-server""#.to_owned(),
        ErrorCode::InvalidToken => format!(
            r#"Bearer realm="token-server", error="{code}", error_description="{description}""#
        ),
        ErrorCode::InsufficientScope => format!(
            r#"Bearer realm="token-server", error="{code}", error_description="{description}", scope="{}""#,
            error.required_scope.as_deref().unwrap_or_default()
        ),
        ErrorCode::InvalidRequest
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::UnauthorizedClient
        | ErrorCode::NotFound
        | ErrorCode::Conflict
        | ErrorCode::MethodNotAllowed
        | ErrorCode::NotAcceptable
        | ErrorCode::RequestTimeout
        | ErrorCode::ContentTooLarge
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::HeaderFieldsTooLarge
        | ErrorCode::RateLimited
        | ErrorCode::TemporarilyUnavailable
        | ErrorCode::ServerError => return None,
    };
    HeaderValue::try_from(text).ok()
}

/// RFC 6750 §3: the description is printable ASCII without quotes and backslashes.
fn quoted(description: &str) -> String {
    description
        .chars()
        .map(|c| {
            if matches!(c, ' '..='~') && c != '"' && c != '\\' {
                c
            } else {
                '\''
            }
        })
        .collect()
}

pub(super) async fn not_found() -> Error {
    Error::not_found("such path")
}

/// axum adds `Allow`.
pub(super) async fn method_not_allowed() -> Error {
    Error::new(
        ErrorCode::MethodNotAllowed,
        "the path does not take this method; see Allow",
    )
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    Error::internal(anyhow::anyhow!("panicked: {message}")).into_response()
}
