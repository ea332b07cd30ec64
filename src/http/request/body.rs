//! Owns the reading of bodies: their limits, and which format the content type names.

use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use futures_util::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::app::error::{Error, Result};
use crate::domain::ErrorCode;
use crate::http::AppState;
use crate::http::request::params::Params;

/// The parameters of the body, which is a form or a JSON object. No body at all is no parameter.
pub(in crate::http) struct BodyParams(pub(in crate::http) Params);

impl FromRequest<AppState> for BodyParams {
    type Rejection = Error;

    async fn from_request(request: Request, state: &AppState) -> Result<Self> {
        let (parts, body) = request.into_parts();
        Self::read(&parts.headers, body, state).await
    }
}

impl BodyParams {
    /// Reads the body of a request that was taken apart.
    pub(in crate::http) async fn read(
        headers: &HeaderMap,
        body: Body,
        state: &AppState,
    ) -> Result<Self> {
        let bytes = read_body(body, state).await?;
        Self::parse(headers, &bytes)
    }

    /// Reads a body that may bring a file of clients.
    pub(in crate::http) async fn read_with_file(
        request: Request,
        state: &AppState,
    ) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let bytes = read_file(body, state).await?;
        Self::parse(&parts.headers, &bytes)
    }

    fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Ok(Self(Params::default()));
        }
        match Format::of(headers) {
            Some(Format::Form) => Params::from_form(bytes).map(Self),
            Some(Format::Json) => Params::from_json(bytes).map(Self),
            None => Err(Error::new(
                ErrorCode::UnsupportedMediaType,
                "the content type must be application/x-www-form-urlencoded or application/json",
            )),
        }
    }
}

/// A body that has to be JSON; none at all is an empty object.
pub(in crate::http) async fn read_json(
    headers: &HeaderMap,
    body: Body,
    state: &AppState,
) -> Result<Bytes> {
    let bytes = read_body(body, state).await?;
    match Format::of(headers) {
        _ if bytes.is_empty() => Ok(Bytes::from_static(b"{}")),
        Some(Format::Json) => Ok(bytes),
        Some(Format::Form) | None => Err(Error::new(
            ErrorCode::UnsupportedMediaType,
            "the content type must be application/json",
        )),
    }
}

/// All of a body, within the limits.
pub(in crate::http) async fn read_body(body: Body, state: &AppState) -> Result<Bytes> {
    let http = &state.config().http;
    read_within(body, http.max_body, http.body_timeout).await
}

/// All of a file of clients, which may be larger and take longer than another body.
pub(in crate::http) async fn read_file(body: Body, state: &AppState) -> Result<Bytes> {
    const LONGER: u32 = 6;
    let http = &state.config().http;
    read_within(
        body,
        http.max_import,
        http.body_timeout.saturating_mul(LONGER),
    )
    .await
}

async fn read_within(body: Body, most: usize, time: Duration) -> Result<Bytes> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut collecting = pin!(Limited::new(body, most).collect());
    // Nearly always it came with the head, and needs no timer.
    let collected = match collecting.as_mut().now_or_never() {
        Some(collected) => Ok(collected),
        None => tokio::time::timeout(time, collecting).await,
    };
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(most)),
        Ok(Err(error)) => {
            Err(Error::invalid_request("the body broke off")
                .with_source(anyhow::anyhow!("{error}")))
        }
        Err(_) => Err(Error::new(
            ErrorCode::RequestTimeout,
            "the body did not arrive in time",
        )),
    }
}

/// Whether the server never reads the body of such a request. Then its length does not matter either: a proxy that asks
/// about a request may send that request's `Content-Length` without its body.
pub(in crate::http) fn ignores_body(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD) || path.starts_with("/verify/requiring/")
}

/// Refuses a request that says of itself that its body is too large, before any of it is read.
pub(in crate::http) fn check_announced_length(headers: &HeaderMap, max_body: usize) -> Result<()> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    match announced.map(str::parse::<usize>) {
        Some(Ok(length)) if length <= max_body => Ok(()),
        None => Ok(()),
        Some(_) => Err(too_large(max_body)),
    }
}

fn too_large(max_body: usize) -> Error {
    Error::new(
        ErrorCode::ContentTooLarge,
        format!("a body has at most {max_body} bytes"),
    )
}

/// How the parameters in a body are written.
enum Format {
    Form,
    Json,
}

impl Format {
    /// What the content type says. A charset that is not UTF-8 makes it another type.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        for parameter in parameters.split(';') {
            if let Some((name, value)) = parameter.split_once('=') {
                let utf8 = value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8");
                if name.trim().eq_ignore_ascii_case("charset") && !utf8 {
                    return None;
                }
            }
        }
        let essence = essence.trim();
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Some(Self::Form)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }
}
