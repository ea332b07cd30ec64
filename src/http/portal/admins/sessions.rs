//! The sessions that have not expired: one's own, and for an owner all.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::Result;
use crate::domain::{AdminName, AdminRole, AdminSession, SessionId};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::links::see_done;
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::request::path::InPath;

pub(super) const PATH: &str = "/admin/sessions";

#[derive(Template)]
#[template(path = "admins/sessions.html")]
struct SessionsPage {
    layout: Layout,
    sessions: Vec<AdminSession>,
    current: SessionId,
    shows_all: bool,
}

/// Whose sessions there are to see: `None` is everybody's.
pub(super) fn own(session: &Session<Viewer>) -> Option<&AdminName> {
    (!session.permits(AdminRole::Owner)).then_some(&session.admin.name)
}

pub(in crate::http::portal) async fn show_sessions(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Result<Response> {
    let shows_all = session.permits(AdminRole::Owner);
    let own = own(&session);
    Ok(page::show(&SessionsPage {
        layout: session.layout("Sessions", PATH),
        sessions: app.admins.list_sessions(own).await?,
        current: session.session.session_id.clone(),
        shows_all,
    }))
}

pub(in crate::http::portal) async fn end_session(
    State(app): State<AppState>,
    session: Session<Viewer>,
    InPath(id): InPath<SessionId>,
    _form: Form,
) -> Result<Response> {
    let admin = &session.admin;
    app.admins.end_session(&session.origin, admin, &id).await?;
    Ok(see_done(PATH, "ended"))
}

pub(in crate::http::portal) async fn end_others(
    State(app): State<AppState>,
    session: Session<Viewer>,
    _form: Form,
) -> Result<Response> {
    let by = &session.origin;
    app.admins.end_other_sessions(by, &session).await?;
    Ok(see_done(PATH, "others"))
}
