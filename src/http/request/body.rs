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

/// U+FEFF in UTF-8, with which some programs begin a body.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        if bytes.is_empty() {
            return Ok(Self(Params::default()));
        }
        match Format::of(headers) {
            Some(Format::Form) => Params::from_form(bytes).map(Self),
            Some(Format::Json) => Params::from_json(bytes).map(Self),
            None => Err(Error::new(
                ErrorCode::UnsupportedMediaType,
                "the content type must be application/x-www-form-urlencoded or application/json, in UTF-8",
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
    let mut bytes = read_body(body, state).await?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes = bytes.split_off(BYTE_ORDER_MARK.len());
    }
    match Format::of(headers) {
        _ if bytes.is_empty() => Ok(Bytes::from_static(b"{}")),
        Some(Format::Json) => Ok(bytes),
        Some(Format::Form) | None => Err(Error::new(
            ErrorCode::UnsupportedMediaType,
            "the content type must be application/json, in UTF-8",
        )),
    }
}

/// All of a body, within `MAX_BODY` and `BODY_TIMEOUT`.
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
        Ok(Err(error)) => Err(Error::invalid_request("the request body is incomplete")
            .with_source(anyhow::anyhow!("{error}"))),
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
        format!("a body can have at most {max_body} bytes"),
    )
}

/// How the parameters in a body are written.
enum Format {
    Form,
    Json,
}

impl Format {
    /// What the content type says. Text is read as UTF-8: a charset in which ASCII is not ASCII makes it another type.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        for parameter in parameters.split(';') {
            if let Some((name, value)) = parameter.split_once('=')
                && name.trim().eq_ignore_ascii_case("charset")
                && !contains_ascii(value.trim().trim_matches('"').trim())
            {
                return None;
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

/// Whether a charset has ASCII in it as it is. Libraries write such a name without looking at the text: Apache `HttpClient`
/// `ISO-8859-1`, others `utf8`. Bytes that are not UTF-8 are refused with the parameter that has them.
fn contains_ascii(charset: &str) -> bool {
    const NAMES: [&str; 6] = ["", "utf-8", "utf8", "us-ascii", "ascii", "latin1"];
    const FAMILIES: [&str; 2] = ["iso-8859-", "windows-125"];
    let is_of = |family: &str| {
        let beginning = charset.get(..family.len());
        beginning.is_some_and(|it| it.eq_ignore_ascii_case(family)) && charset.len() > family.len()
    };
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(charset)) || FAMILIES.into_iter().any(is_of)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn is_read(content_type: &str) -> bool {
        let value = HeaderValue::from_str(content_type).unwrap();
        Format::of(&HeaderMap::from_iter([(CONTENT_TYPE, value)])).is_some()
    }

    #[test]
    fn a_charset_is_one_that_has_ascii_in_it() {
        for essence in ["application/json", "Application/X-WWW-Form-URLEncoded"] {
            assert!(is_read(essence));
            for charset in [
                "utf-8",
                "UTF-8",
                "\"utf-8\"",
                "utf8",
                "US-ASCII",
                "ISO-8859-1",
                "iso-8859-15",
                "windows-1252",
                "",
                "\"\"",
            ] {
                assert!(
                    is_read(&format!("{essence}; charset={charset}")),
                    "{charset}"
                );
                assert!(
                    is_read(&format!("{essence};a=b;Charset = {charset} ;c")),
                    "{charset}"
                );
            }
            for charset in [
                "utf-16",
                "UTF-16LE",
                "utf-32",
                "utf-7",
                "ucs-2",
                "iso-8859-",
                "windows-125",
                "iso-2022-jp",
                "ebcdic",
                "x",
            ] {
                assert!(
                    !is_read(&format!("{essence}; charset={charset}")),
                    "{charset}"
                );
                assert!(!is_read(&format!(
                    "{essence}; charset=utf-8; charset={charset}"
                )));
            }
        }
        for other in [
            "text/json",
            "application/jsonp",
            "multipart/form-data; boundary=x",
            "",
        ] {
            assert!(!is_read(other), "{other}");
        }
    }
}
