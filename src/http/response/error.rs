//! Owns how an error answers: code to status, headers and JSON, in one place.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::{Error, TokenScheme};
use crate::domain::ErrorCode;
use crate::http::response;
use crate::http::response::{LogContext, WithLogContext};
use crate::jwt::assertion_algorithms;

/// The body of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(in crate::http) struct Body<'a> {
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
pub(in crate::http) fn respond_simply(error: Error) -> Response {
    respond(error, Some(false))
}

fn respond(error: Error, success: Option<bool>) -> Response {
    let body = Body {
        success,
        error: error.code.as_str(),
        error_description: &printable(&error.description),
    };
    let mut response = response::json(status(&error), &body);
    let headers = response.headers_mut();
    if let Some(challenge) = challenge(&error) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    // RFC 9110 §15.5.9: the rest of the body is not waited for.
    if error.code == ErrorCode::RequestTimeout {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let note = LogContext {
        client_id: None,
        error: Some(Arc::new(error)),
    };
    WithLogContext { response, note }.into_response()
}

pub(in crate::http) fn status(error: &Error) -> StatusCode {
    match error.code {
        // RFC 9449 §5 at the token endpoint, §7.1 and §9 at a resource.
        ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce => match error.scheme {
            TokenScheme::Bearer => StatusCode::BAD_REQUEST,
            TokenScheme::Dpop => StatusCode::UNAUTHORIZED,
        },
        ErrorCode::InvalidRequest
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::UnauthorizedClient => StatusCode::BAD_REQUEST,
        ErrorCode::InvalidClient | ErrorCode::InvalidToken | ErrorCode::MissingToken => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::InsufficientScope | ErrorCode::AccessDenied => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorCode::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
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

/// `WWW-Authenticate`: RFC 6749 §5.2 for a client, RFC 6750 §3 and RFC 9449 §7.1 for a token.
pub(in crate::http) fn challenge(error: &Error) -> Option<HeaderValue> {
    if error.code == ErrorCode::InvalidClient {
        return Some(HeaderValue::from_static(
            r#"Basic realm="token-server", charset="UTF-8""#,
        ));
    }
    if !is_about_a_token(error) {
        return None;
    }
    let mut text = match error.scheme {
        TokenScheme::Bearer => r#"Bearer realm="token-server""#.to_owned(),
        TokenScheme::Dpop => {
            let algorithms = assertion_algorithms().join(" ");
            format!(r#"DPoP realm="token-server", algs="{algorithms}""#)
        }
    };
    if error.code != ErrorCode::MissingToken {
        let (code, description) = (error.code.as_str(), printable(&error.description));
        text += &format!(r#", error="{code}", error_description="{description}""#);
    }
    if let Some(scope) = &error.required_scope {
        text += &format!(r#", scope="{scope}""#);
    }
    if let Some(url) = &error.resource_metadata {
        text += &format!(r#", resource_metadata="{url}""#);
    }
    HeaderValue::try_from(text).ok()
}

/// Whether an error is about a token that came with the request, or its proof.
pub(in crate::http) fn is_about_a_token(error: &Error) -> bool {
    match error.code {
        ErrorCode::MissingToken | ErrorCode::InvalidToken | ErrorCode::InsufficientScope => true,
        ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce => error.scheme == TokenScheme::Dpop,
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::UnauthorizedClient
        | ErrorCode::AccessDenied
        | ErrorCode::NotFound
        | ErrorCode::Conflict
        | ErrorCode::PreconditionFailed
        | ErrorCode::PreconditionRequired
        | ErrorCode::MethodNotAllowed
        | ErrorCode::NotAcceptable
        | ErrorCode::RequestTimeout
        | ErrorCode::ContentTooLarge
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::HeaderFieldsTooLarge
        | ErrorCode::RateLimited
        | ErrorCode::TemporarilyUnavailable
        | ErrorCode::ServerError => false,
    }
}

/// RFC 6749 §5.2 and RFC 6750 §3: a description is printable ASCII without quotes and backslashes. What a caller sent
/// and is told of may hold others.
pub(super) fn printable(description: &str) -> Cow<'_, str> {
    let is_allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    if description.chars().all(is_allowed) {
        return Cow::Borrowed(description);
    }
    let replace = |c: char| if is_allowed(c) { c } else { '\'' };
    Cow::Owned(description.chars().map(replace).collect())
}

pub(in crate::http) async fn not_found() -> Error {
    Error::not_found("such path")
}

/// axum adds `Allow`.
pub(in crate::http) async fn method_not_allowed() -> Error {
    Error::new(
        ErrorCode::MethodNotAllowed,
        "this path does not support the method; see Allow",
    )
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
pub(in crate::http) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    Error::internal(anyhow::anyhow!("panicked: {message}")).into_response()
}
