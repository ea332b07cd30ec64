//! Owns the headers `X-Token-*` of `/verify`: those of every answer, and those of the requirements `claims` and `metadata` with
//! the limit of their size.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::error::Error;
use crate::app::{RequestedClaims, Tokens};
use crate::domain::ClaimName;
use crate::http::AppState;
use crate::jwt::{AccessTokenClaims, SignedClaims};

const METADATA: HeaderName = HeaderName::from_static("x-token-metadata");

/// The requirements. Neither may be there without a meaning, and `metadata` has but one.
pub(super) fn parse(
    claims: Option<&str>,
    metadata: Option<&str>,
) -> Result<RequestedClaims, Error> {
    let metadata = match metadata {
        None => false,
        Some("true") => true,
        Some(_) => {
            return Err(Error::invalid_request(
                "the parameter `metadata` must be `true`",
            ));
        }
    };
    let names = claims.map(ClaimName::parse_list).transpose()?;
    Ok(RequestedClaims {
        names: names.unwrap_or_default(),
        metadata,
    })
}

/// Every header that is asked for; an error when there is no value for one, or when they take too much.
pub(super) fn headers(
    app: &AppState,
    signed: &SignedClaims,
    requested: &RequestedClaims,
) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let mut headers = Vec::new();
    if !requested.names.is_empty() {
        let values = app.tokens.claim_values(signed, &requested.names)?;
        for (name, value) in requested.names.iter().zip(values) {
            headers.push((header_name(name)?, header_value(value)?));
        }
    }
    if requested.metadata {
        let value = Tokens::metadata_value(signed);
        headers.push((METADATA, header_value(value)?));
    }
    let bytes = headers.iter().map(size).sum();
    let limit = app.core.config.http.max_claim_headers;
    if bytes > limit {
        let client_id = &signed.claims.client_id;
        return Err(app.tokens.oversized_claims(client_id, bytes, limit));
    }
    Ok(headers)
}

/// The headers of every answer: a proxy passes them to the service behind it.
pub(super) fn identify(headers: &mut HeaderMap, claims: &AccessTokenClaims<'_>) {
    const CLIENT_ID: HeaderName = HeaderName::from_static("x-token-client-id");
    const SCOPE: HeaderName = HeaderName::from_static("x-token-scope");
    const AUDIENCE: HeaderName = HeaderName::from_static("x-token-audience");
    const EXPIRES: HeaderName = HeaderName::from_static("x-token-expires");
    const SUBJECT: HeaderName = HeaderName::from_static("x-token-subject");
    const ACTOR: HeaderName = HeaderName::from_static("x-token-actor");
    let audience = claims.aud.to_text();
    // Empty where nobody acts: there in every answer, so that a proxy can replace what the caller sent.
    let actor = claims.act.as_ref().map_or("", |act| act.sub.as_str());
    for (name, text) in [
        (CLIENT_ID, claims.client_id.as_str()),
        (SCOPE, claims.scope.as_str()),
        (AUDIENCE, &*audience),
        (SUBJECT, claims.sub.as_str()),
        (ACTOR, actor),
    ] {
        // All five are printable ASCII by their types.
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    headers.insert(EXPIRES, HeaderValue::from(claims.exp.0));
}

/// What a header takes on the wire of HTTP/1.1: `name: value` and the line break.
fn size((name, value): &(HeaderName, HeaderValue)) -> usize {
    name.as_str().len() + value.len() + ": \r\n".len()
}

/// With hyphens: many services and proxies drop names with underscores, or take them for hyphens. No two claims meet in one,
/// since their names have no hyphens.
fn header_name(name: &ClaimName) -> Result<HeaderName, Error> {
    let text = format!("x-token-claim-{}", name.as_str().replace('_', "-"));
    HeaderName::try_from(text).map_err(Error::internal)
}

fn header_value(text: String) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text).map_err(Error::internal)
}
