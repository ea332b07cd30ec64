//! Owns `ETag` and `If-Match` (RFC 9110 §8.8.3, §13.1.1): who changes something says as what they have seen it.

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use utoipa::IntoParams;

use crate::app::error::{Error, Result};
use crate::domain::{Client, ClientVersion, ErrorCode, ExpectedVersion};
use crate::http::{AppState, response};

pub(in crate::http::admin_api) fn with_etag(client: &Client) -> Response {
    let mut response = response::json(StatusCode::OK, client);
    let etag = format!("\"{}\"", ClientVersion::from(client));
    // It is a number.
    if let Ok(etag) = HeaderValue::try_from(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// `If-Match`, which has to be there: a caller that has not looked at a thing cannot know what a change undoes.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::http::admin_api) struct IfMatch {
    /// The client's `ETag`, or `*`
    #[param(rename = "if-match", value_type = String)]
    pub(in crate::http::admin_api) expected: ExpectedVersion,
}

impl FromRequestParts<AppState> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self> {
        parse(&parts.headers).map(|expected| Self { expected })
    }
}

fn parse(headers: &HeaderMap) -> Result<ExpectedVersion> {
    let mut tags = Vec::new();
    for value in headers.get_all(IF_MATCH) {
        let text = value.to_str().map_err(|_| malformed())?;
        tags.extend(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()));
    }
    match tags.as_slice() {
        [] => Err(Error::new(
            ErrorCode::PreconditionRequired,
            "If-Match is missing: send the ETag of an earlier response, or * for any version",
        )),
        ["*"] => Ok(ExpectedVersion::Any),
        // §13.1.1: by strong comparison; a weak one is like none that there is, and so is what we never gave.
        tags => {
            let versions = tags.iter().map(|tag| unquote(tag));
            let versions: Result<Vec<_>> = versions.collect();
            let known = versions?.into_iter().filter_map(|tag| tag.parse().ok());
            Ok(ExpectedVersion::OneOf(known.collect()))
        }
    }
}

/// `"…"` or `W/"…"`, of which the second keeps its mark.
fn unquote(tag: &str) -> Result<&str> {
    if tag.starts_with("W/\"") && tag.ends_with('"') && tag.len() > 3 {
        return Ok(tag);
    }
    let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    inner.ok_or_else(malformed)
}

fn malformed() -> Error {
    Error::invalid_request("If-Match must be a list of ETags, each in quotation marks, or *")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<ExpectedVersion> {
        let values = values.iter().map(|it| HeaderValue::from_str(it).unwrap());
        parse(&values.map(|value| (IF_MATCH, value)).collect())
    }

    #[test]
    fn only_strong_tags_that_were_given_count() {
        let (a, b) = ("1", "27");
        let versions = |tags: &[&str]| {
            ExpectedVersion::OneOf(tags.iter().map(|tag| tag.parse().unwrap()).collect())
        };

        assert_eq!(read(&["*"]).unwrap(), ExpectedVersion::Any);
        let list = format!("\"{a}\" , \"{b}\"");
        assert_eq!(read(&[&list]).unwrap(), versions(&[a, b]));
        let weak = format!("W/\"{a}\"");
        assert_eq!(read(&[&weak, "\"x\"", "\"01\""]).unwrap(), versions(&[]));
        for text in [a, "\"", "W/", "*, \"x\"", "W/\""] {
            let code = read(&[text]).unwrap_err().code;
            assert_eq!(code, ErrorCode::InvalidRequest, "{text}");
        }
        for none in [&[][..], &[""], &[","]] {
            let code = read(none).unwrap_err().code;
            assert_eq!(code, ErrorCode::PreconditionRequired);
        }
    }
}
