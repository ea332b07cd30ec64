//! `GET /`: the service's name, and for a browser a small page that says what to do next.

use axum::extract::State;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};

use crate::http::AppState;
use crate::http::openapi::AnyErrors;
use crate::http::response::hsts::Hsts;

/// What the pages of this server may load.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The service's name; for a browser a page with the next steps.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "the name of the service, or a page", headers(("vary")), content(
        (String = "text/plain"),
        (String = "text/html"),
    )),
    AnyErrors,
))]
pub(in crate::http) async fn show_home(
    State(app): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        let page = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, "no-referrer"),
            (X_FRAME_OPTIONS, "DENY"),
            (VARY, "accept"),
        ];
        let mut response = (page, include_str!("home.html")).into_response();
        Hsts::of(&app, &uri, &headers).add_to(&mut response);
        response
    } else {
        (
            [
                (CONTENT_TYPE, "text/plain; charset=utf-8"),
                (VARY, "accept"),
            ],
            "TokenServer",
        )
            .into_response()
    }
}

/// The style sheet of that page.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "a style sheet", body = String, content_type = "text/css", headers(("cache-control"))),
    AnyErrors,
))]
pub(in crate::http) async fn show_style() -> Response {
    let style = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "max-age=3600"),
    ];
    (style, include_str!("home.css")).into_response()
}
