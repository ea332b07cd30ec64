//! `GET /oauth2/authorize`: an authorization endpoint (RFC 6749 §3.1) for libraries that refuse metadata without one. Nobody logs
//! in here, so that it has one answer to every request: a page, never a redirect. It reads nothing of the request.

use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::app::error::{Error, Result};
use crate::http::AppState;
use crate::http::openapi::{AnyErrors, NotFoundError};
use crate::http::public::home;
use crate::http::response::hsts::Hsts;

pub(in crate::http) const AUTHORIZATION: &str = "/oauth2/authorize";

/// Responds that this server logs in no people, if `AUTHORIZATION_ENDPOINT` is `true`.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 400, description = "an error page; never a redirect", body = String, content_type = "text/html"),
    AnyErrors,
    NotFoundError,
))]
pub(in crate::http) async fn show_authorization_page(
    State(app): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    if !app.config().token.authorization_endpoint {
        return Err(Error::not_found(
            "authorization endpoint: clients get tokens at /token (RFC 6749 section 4.4)",
        ));
    }
    let page = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, home::POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    let html = include_str!("authorization_page.html");
    let mut response = (StatusCode::BAD_REQUEST, page, html).into_response();
    Hsts::of(&app, &uri, &headers).add_to(&mut response);
    Ok(response)
}
