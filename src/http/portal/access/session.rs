//! Owns the cookie of a session, and how a handler says which role it needs: by the type of its first parameter.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, HeaderName, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{CurrentSession, SessionStep};
use crate::base::secret::Secret;
use crate::domain::{Actor, AdminRole, ErrorCode, Origin};
use crate::http::middleware::observe::RequestId;
use crate::http::portal::links::see;
use crate::http::portal::page::Layout;
use crate::http::request::caller::Caller;
use crate::http::{AppState, Params};

/// `__Host-`: browsers take it from this very host only, over TLS, for every path.
const COOKIE_NAME: &str = "__Host-token-server-admin";

/// The header of requests that a page makes by itself. They do not keep a session from becoming idle.
const REFRESH: HeaderName = HeaderName::from_static("x-refresh");

/// A role, as a type.
pub(in crate::http::portal) trait Role: Send + Sync {
    /// `None`: whoever has typed the right password.
    const NEEDED: Option<AdminRole>;
}

macro_rules! roles {
    ($($(#[$doc:meta])+ $name:ident = $role:expr,)+) => {
        $($(#[$doc])+ pub(in crate::http::portal) struct $name;

        impl Role for $name {
            const NEEDED: Option<AdminRole> = $role;
        })+
    };
}

roles! {
    /// Whoever has typed the right password.
    LoggingIn = None,
    /// [`AdminRole::Viewer`] or more.
    Viewer = Some(AdminRole::Viewer),
    /// [`AdminRole::Operator`] or more.
    Operator = Some(AdminRole::Operator),
    /// [`AdminRole::Owner`].
    Owner = Some(AdminRole::Owner),
}

/// The session of a request, of an admin with the role `R` at least.
pub(in crate::http::portal) struct Session<R> {
    current: Arc<CurrentSession>,
    /// Who asks for what this request asks for.
    pub(in crate::http::portal) origin: Origin,
    /// The word for what was just done (`?done=`).
    done: Option<String>,
    role: PhantomData<R>,
}

impl<R> Session<R> {
    /// The frame of the page at `path`, with the text about what was just done.
    pub(in crate::http::portal) fn layout(&self, title: impl Into<String>, path: &str) -> Layout {
        Layout::new(title, path, Some(self)).after_redirect(path, self.done.as_deref())
    }
}

impl<R> Deref for Session<R> {
    type Target = CurrentSession;

    fn deref(&self) -> &CurrentSession {
        &self.current
    }
}

/// The guard has found the session; what the list of routes says of the role is not believed, but looked at again.
impl<R: Role> FromRequestParts<AppState> for Session<R> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let current = parts.extensions.get::<Arc<CurrentSession>>().cloned();
        let current = current.ok_or_else(|| {
            Error::internal(anyhow::anyhow!(
                "a route that the guard lets everyone through"
            ))
        })?;
        if let Some(needed) = R::NEEDED
            && !current.permits(needed)
        {
            return Err(needs(needed));
        }
        let caller = Caller::of(parts, &app.config().proxies)?;
        let request_id = parts.extensions.get::<RequestId>();
        let request_id = request_id
            .ok_or_else(|| Error::internal(anyhow::anyhow!("a request without an id")))?;
        let actor = Actor::Admin {
            name: current.admin.name.to_string(),
            role: (current.step == SessionStep::Done).then_some(current.admin.role),
        };
        Ok(Self {
            origin: request_id.origin(actor, caller.source),
            current,
            done: Params::from_query(&parts.uri)?.take("done"),
            role: PhantomData,
        })
    }
}

/// The error of an admin whose role is not enough.
pub(in crate::http::portal) fn needs(role: AdminRole) -> Error {
    let description = format!("only admins with the role {role} can do this");
    Error::new(ErrorCode::AccessDenied, description)
}

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
