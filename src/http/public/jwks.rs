//! `GET /.well-known/jwks.json`: the public keys (RFC 7517 §5), for those who verify offline. The one JSON answer
//! that may be kept: it holds nothing secret, and asking for it before each token would defeat its purpose.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::domain::JWKS_MAX_AGE;
use crate::http::AppState;
use crate::http::openapi::AnyErrors;
use crate::jwt::PublicKeys;

/// The public keys, for offline verification.
#[utoipa::path(get, path = "", tag = "Verification",
    params(("if-none-match" = Option<String>, Header, description = "the entity tag of the caller's version")),
    responses(
        (status = 200, description = "the keys", body = PublicKeys, headers(("cache-control"), ("etag"))),
        (status = 304, description = "the caller has the current version", headers(
            ("cache-control"), ("etag"),
        )),
        AnyErrors,
    ),
)]
pub(in crate::http) async fn show_jwks(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Response {
    let keys = app.keys.current();
    let jwks = keys.jwks();
    let mut response = if is_known(&headers, &jwks.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let json = HeaderValue::from_static("application/json");
        ([(CONTENT_TYPE, json)], jwks.json.clone()).into_response()
    };
    let headers = response.headers_mut();
    for (name, text) in [
        (CACHE_CONTROL, format!("public, max-age={JWKS_MAX_AGE}")),
        (ETAG, jwks.etag.clone()),
    ] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    response
}

/// RFC 9110 §13.1.2: any of the tags, compared weakly, or `*`.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
