//! Owns what every request to the portal goes through: whether it comes from the portal's own pages, whose session it
//! has, and whether that is enough. And what every answer has: the headers that keep it to itself, and an error as a page.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, ORIGIN,
    REFERRER_POLICY, RETRY_AFTER, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use crate::app::error::{Error, Result};
use crate::app::{CurrentSession, SessionStep};
use crate::base::redact::holds_secret;
use crate::domain::{AdminRole, ErrorCode};
use crate::http::AppState;
use crate::http::portal::access::request::needs;
use crate::http::portal::access::session;
use crate::http::portal::links::{encoded, see};
use crate::http::portal::page::{self, Layout};
use crate::http::request::host::host;
use crate::http::response::LogContext;
use crate::http::response::hsts::Hsts;

/// Everything from here, nothing inline, and in nobody's frame. `data:` is for nothing: a QR code is SVG in the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
const REFERRER: &str = "same-origin";

/// Stylesheet, script and icon of every page, also of the one that says that the database does not answer.
const ASSETS: &str = "/admin/assets/";

const NO_DATABASE: &str = "the database does not answer, so the portal cannot show or change anything until it does; \
    the server still verifies tokens, and clients in memory still get tokens";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// Who has typed the right password, whatever else is missing.
    LoggingIn,
    /// Who is logged in, with this role at least.
    Role(AdminRole),
}

/// What guards one route.
#[derive(Clone)]
pub(in crate::http::portal) struct Guard {
    app: AppState,
    access: Access,
}

impl Guard {
    pub(in crate::http::portal) fn new(app: AppState, access: Access) -> Self {
        Self { app, access }
    }
}

/// Lets a request through to its handler, or not.
pub(in crate::http::portal) async fn guard(
    State(Guard { app, access }): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let found = match check_origin(&parts) {
        Ok(()) => find_session(&app, access, &parts).await,
        Err(error) => Err(error),
    };
    let mut request = Request::from_parts(parts, body);
    let (session, refusal) = match found {
        Ok(session) => {
            let refusal = admit(access, session.as_deref(), &request);
            (session, refusal)
        }
        Err(error) => (None, Some(error.into_response())),
    };
    let path = request.uri().path().to_owned();
    let hsts = Hsts::of(&app, request.uri(), request.headers());
    let response = match refusal {
        Some(refusal) => refusal,
        None => {
            if let Some(session) = &session {
                request.extensions_mut().insert(Arc::clone(session));
            }
            next.run(request).await
        }
    };
    let mut response = with_headers(as_page(response, session.as_deref(), &path));
    hsts.add_to(&mut response);
    response
}

/// Why a request goes no further; `None`: it does.
fn admit(access: Access, session: Option<&CurrentSession>, request: &Request) -> Option<Response> {
    let session = match (access, session) {
        (Access::Anyone, _) => return None,
        (Access::LoggingIn | Access::Role(_), None) => return Some(to_login(request)),
        (Access::LoggingIn | Access::Role(_), Some(session)) => session,
    };
    match (access, session.step) {
        (Access::Anyone | Access::LoggingIn, _) => None,
        (Access::Role(_), SessionStep::TypeCode) => Some(see("/admin/login/code")),
        (Access::Role(_), SessionStep::ChangePassword) => Some(see("/admin/account/password")),
        (Access::Role(_), SessionStep::AddSecondFactor) => {
            Some(see("/admin/account/second-factor"))
        }
        (Access::Role(needed), SessionStep::Done) if session.permits(needed) => None,
        (Access::Role(needed), SessionStep::Done) => Some(needs(needed).into_response()),
    }
}

/// Refuses what another site makes a browser send. Browsers say from where a form comes: `Sec-Fetch-Site`, and older
/// ones `Origin`; what says neither is no browser, and has no business here.
fn check_origin(request: &Parts) -> Result<()> {
    if matches!(request.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let headers = &request.headers;
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_ours = match (text(&SEC_FETCH_SITE), text(&ORIGIN)) {
        (Some(site), None) => site == "same-origin",
        (None, Some(origin)) => is_origin_of(origin, host(&request.uri, headers)),
        (Some(site), Some(origin)) => {
            site == "same-origin" && is_origin_of(origin, host(&request.uri, headers))
        }
        (None, None) => false,
    };
    if is_ours {
        return Ok(());
    }
    let description = "the request did not come from a page of this portal";
    Err(Error::new(ErrorCode::AccessDenied, description))
}

/// The session of a request. While the database does not answer there is no attempt to read it: nothing but the assets,
/// which are the same for everybody, works without.
async fn find_session(
    app: &AppState,
    access: Access,
    request: &Parts,
) -> Result<Option<Arc<CurrentSession>>> {
    if request.uri.path().starts_with(ASSETS) {
        return Ok(None);
    }
    app.core.require_database().map_err(|mut error| {
        error.description = NO_DATABASE.into();
        error
    })?;
    match access {
        // What everybody may have needs no session, and so no look at the database.
        Access::Anyone => Ok(None),
        Access::LoggingIn | Access::Role(_) => session::find(app, request).await,
    }
}

fn is_origin_of(origin: &str, host: Option<&str>) -> bool {
    let theirs = origin.strip_prefix("https://");
    theirs.is_some_and(|theirs| host.is_some_and(|host| theirs.eq_ignore_ascii_case(host)))
}

fn to_login(request: &Request) -> Response {
    let path = request.uri().path_and_query().map(ToString::to_string);
    // A secret in a path is not repeated in the answer.
    let is_repeatable = |path: &String| {
        *request.method() == Method::GET
            && path != "/admin/"
            && !holds_secret(&percent_decode_str(path).decode_utf8_lossy())
    };
    match path.filter(is_repeatable) {
        Some(path) => see(&format!("/admin/login?next={}", encoded(&path))),
        None => see("/admin/login"),
    }
}

/// `/admin`, which people type.
pub(in crate::http::portal) async fn to_portal() -> Response {
    see("/admin/")
}

pub(in crate::http::portal) async fn not_found() -> Error {
    Error::not_found("such page")
}

/// An error is answered for programs, wherever it comes from; people get a page.
fn as_page(response: Response, session: Option<&CurrentSession>, path: &str) -> Response {
    let is_json =
        response.headers().get(CONTENT_TYPE) == Some(&HeaderValue::from_static("application/json"));
    let note = response.extensions().get::<LogContext>();
    let Some(error) = note
        .and_then(|note| note.error.as_ref())
        .filter(|_| is_json)
    else {
        return response;
    };
    let title = if error.code == ErrorCode::TemporarilyUnavailable {
        "Not available now"
    } else {
        "Something is wrong"
    };
    let layout = Layout::new(title, path, session);
    let mut page = page::error(layout, response.status(), error);
    for name in [RETRY_AFTER, CONNECTION] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page.extensions_mut()
        .insert(note.cloned().unwrap_or_default());
    page
}

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, REFERRER),
        (X_FRAME_OPTIONS, "DENY"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_ours_when_scheme_host_and_port_are() {
        let is_ours = |origin| is_origin_of(origin, Some("tokens.example:2600"));

        assert!(is_ours("https://tokens.example:2600"));
        assert!(is_ours("https://TOKENS.example:2600"));
        for other in [
            "null",
            "",
            "https://tokens.example",
            "http://tokens.example:2600",
            "https://tokens.example:2600.evil.example",
            "https://evil.example",
        ] {
            assert!(!is_ours(other), "{other}");
        }
        assert!(!is_origin_of("https://", Some("tokens.example")));
        assert!(!is_origin_of("https://tokens.example", None));
    }
}
