//! Owns the cookie of a session, and how it leads to the session.

use std::sync::Arc;

use axum::http::header::{COOKIE, HeaderName, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use crate::app::CurrentSession;
use crate::app::error::Result;
use crate::base::secret::Secret;
use crate::http::AppState;
use crate::http::portal::links::see;
use crate::http::request::caller::Caller;

/// `__Host-`: browsers take it from this very host only, over TLS, for every path.
const COOKIE_NAME: &str = "__Host-token-server-admin";

/// The header of requests that a page makes by itself. They do not keep a session from becoming idle.
const REFRESH: HeaderName = HeaderName::from_static("x-refresh");

/// The active session of a request.
pub(in crate::http::portal) async fn find(
    app: &AppState,
    parts: &Parts,
) -> Result<Option<Arc<CurrentSession>>> {
    let Some(token) = cookie(&parts.headers) else {
        return Ok(None);
    };
    let source = Caller::of(parts, &app.config().proxies)?.source;
    let is_use = !parts.headers.contains_key(REFRESH);
    let found = app.admins.find_session(&token, source, is_use).await?;
    Ok(found.map(Arc::new))
}

fn cookie(headers: &HeaderMap) -> Option<Secret<String>> {
    let lines = headers.get_all(COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE_NAME)?;
    (!value.is_empty() && value.len() <= 128).then(|| Secret::from(value))
}

/// Sends a browser on, and lets it keep this token, until it is closed.
pub(in crate::http::portal) fn see_with_token(path: &str, token: &Secret<String>) -> Response {
    let mut response = see(path);
    set(&mut response, token.expose(), "");
    response
}

/// Makes a browser forget its token.
pub(in crate::http::portal) fn remove_cookie(response: &mut Response) {
    set(response, "", "; Max-Age=0");
}

fn set(response: &mut Response, value: &str, more: &str) {
    let cookie = format!("{COOKIE_NAME}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{more}");
    if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
