//! The sessions that have not ended: everybody's own, and for an owner all.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::app::error::Result;
use crate::domain::{AdminRole, AdminSession, SessionId};
use crate::http::portal::access::form::Form;
use crate::http::portal::access::guard::see;
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::{AppState, Params};

const PATH: &str = "/admin/sessions";

const DONE: &[(&str, &str)] = &[
    ("ended", "The session has ended."),
    ("others", "All your other sessions have ended."),
];

#[derive(Template)]
#[template(path = "admins/sessions.html")]
struct SessionsPage {
    layout: Layout,
    sessions: Vec<AdminSession>,
    current: SessionId,
    shows_all: bool,
}

pub(in crate::http::portal) async fn show_sessions(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let mut query = Params::from_form(uri.query().unwrap_or_default().as_bytes())?;
    let shows_all = session.permits(AdminRole::Owner);
    let own = (!shows_all).then_some(&session.admin.name);
    let layout = Layout::new("Sessions", PATH, Some(&session));
    Ok(page::show(&SessionsPage {
        layout: layout.with_done(query.take("done").as_deref(), DONE),
        sessions: app.admins.list_sessions(own).await?,
        current: session.session.session_id.clone(),
        shows_all,
    }))
}

pub(in crate::http::portal) async fn end_session(
    State(app): State<AppState>,
    session: Session<Viewer>,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response> {
    let id = SessionId::parse(&id)?;
    app.admins
        .end_session(&session.origin, &session.admin, &id)
        .await?;
    Ok(see("/admin/sessions?done=ended"))
}

pub(in crate::http::portal) async fn end_others(
    State(app): State<AppState>,
    session: Session<Viewer>,
    _form: Form,
) -> Result<Response> {
    app.admins
        .end_other_sessions(&session.origin, &session)
        .await?;
    Ok(see("/admin/sessions?done=others"))
}
