//! Owns the extractor of the portal's handlers: session, role, path and query.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::app::error::{Error, Result};
use crate::app::{CurrentSession, SessionStep};
use crate::domain::{Actor, AdminRole, ErrorCode, Origin};
use crate::http::middleware::observe::RequestId;
use crate::http::portal::page::Layout;
use crate::http::request::caller::Caller;
use crate::http::request::path::InPath;
use crate::http::{AppState, Params};

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

/// A request of an admin with the role `R` at least, for what its path names.
pub(in crate::http::portal) struct PortalRequest<R, T = ()> {
    pub(in crate::http::portal) app: AppState,
    current: Arc<CurrentSession>,
    /// Who asks for what this request asks for.
    pub(in crate::http::portal) origin: Origin,
    /// The parts of the path that the route leaves open, as one domain type or a tuple of them.
    pub(in crate::http::portal) target: T,
    /// The query, without the word for what was just done (`?done=`).
    pub(in crate::http::portal) query: Params,
    done: Option<String>,
    role: PhantomData<R>,
}

impl<R, T> PortalRequest<R, T> {
    /// The frame of the page at `path`, with the text about what was just done.
    pub(in crate::http::portal) fn layout(&self, title: impl Into<String>, path: &str) -> Layout {
        Layout::new(title, path, Some(self)).after_redirect(path, self.done.as_deref())
    }
}

impl<R, T> Deref for PortalRequest<R, T> {
    type Target = CurrentSession;

    fn deref(&self) -> &CurrentSession {
        &self.current
    }
}

/// The guard has found the session; what the list of routes says of the role is not believed, but looked at again.
impl<R: Role, T: DeserializeOwned + Send> FromRequestParts<AppState> for PortalRequest<R, T> {
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
        let mut query = Params::from_query(&parts.uri)?;
        Ok(Self {
            app: app.clone(),
            origin: request_id.origin(actor, caller.source),
            current,
            done: query.take("done"),
            query,
            target: InPath::from_request_parts(parts, app).await?.0,
            role: PhantomData,
        })
    }
}

/// The error of an admin whose role is not enough.
pub(in crate::http::portal) fn needs(role: AdminRole) -> Error {
    let description = format!("only admins with the role {role} can do this");
    Error::new(ErrorCode::AccessDenied, description)
}
