//! Owns the paths of pages that other pages lead to, and redirects to them.

use std::fmt::Display;

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The list of clients.
pub(super) const CLIENTS: &str = "/admin/clients";

/// The page that explains.
pub(super) const EXPLAIN: &str = "/admin/explain";

/// A text as one segment of a path, or one value of a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The page of the client with this ID.
pub(super) fn path_of(id: &impl Display) -> String {
    format!("{CLIENTS}/{}", encoded(&id.to_string()))
}

/// Redirects the browser to a page of the portal, by GET.
pub(super) fn see(path: &str) -> Response {
    let location = HeaderValue::try_from(path);
    let location = location.unwrap_or_else(|_| HeaderValue::from_static("/admin/"));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

/// Redirects to a page that then shows the text of `word`; `page::done` has all of them.
pub(super) fn see_done(path: &str, word: &str) -> Response {
    see(&format!("{path}?done={word}"))
}
