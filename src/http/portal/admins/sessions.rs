//! The sessions that have not expired: one's own, and for an owner all. What is asked before some end says whose they are.

use askama::Template;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::domain::{AdminName, AdminRole, AdminSession, SessionId, span_in_words};
use crate::http::portal::access::{Form, PortalRequest, Viewer};
use crate::http::portal::links::see_done;
use crate::http::portal::page::{self, Layout, Question};

const PATH: &str = "/admin/sessions";

#[derive(Template)]
#[template(path = "admins/sessions.html")]
struct SessionsPage {
    layout: Layout,
    sessions: Vec<AdminSession>,
    current: SessionId,
    shows_all: bool,
}

/// Whose sessions there are to see: `None` is everybody's.
fn own<T>(request: &PortalRequest<Viewer, T>) -> Option<&AdminName> {
    (!request.permits(AdminRole::Owner)).then_some(&request.admin.name)
}

pub(in crate::http::portal) async fn show_sessions(
    request: PortalRequest<Viewer>,
) -> Result<Response> {
    Ok(page::show(&SessionsPage {
        layout: request.layout("Sessions", PATH),
        sessions: request.app.admins.list_sessions(own(&request)).await?,
        current: request.session.session_id.clone(),
        shows_all: request.permits(AdminRole::Owner),
    }))
}

pub(in crate::http::portal) async fn ask_end_session(
    request: PortalRequest<Viewer, SessionId>,
) -> Result<Question> {
    let (app, id) = (&request.app, &request.target);
    let all = app.admins.list_sessions(own(&request)).await?;
    let found = all.into_iter().find(|it| it.session_id == *id);
    let found = found.ok_or_else(|| Error::not_found(format!("session `{id}`")))?;
    let ago = span_in_words(app.clock().now().since(found.seen_at));
    let asked = format!("End this session of {}?", found.name);
    let question = Question::new(&request, asked, "End session", PATH, &format!("{id}/end"));
    Ok(question.fact(format!(
        "Last used {ago} ago from {}, with `{}`. The browser has to log in again.",
        found.source, found.user_agent
    )))
}

pub(in crate::http::portal) async fn end_session(
    request: PortalRequest<Viewer, SessionId>,
    _form: Form,
) -> Result<Response> {
    let (by, admin) = (&request.origin, &request.admin);
    let admins = &request.app.admins;
    admins.end_session(by, admin, &request.target).await?;
    Ok(see_done(PATH, "ended"))
}

pub(in crate::http::portal) async fn ask_end_others(
    request: PortalRequest<Viewer>,
) -> Result<Question> {
    let own = Some(&request.admin.name);
    let mine = request.app.admins.list_sessions(own).await?;
    let fact = match mine.len().saturating_sub(1) {
        0 => "You have no other session.".to_owned(),
        1 => "Your other session ends at once; this one continues.".to_owned(),
        count => format!("Your {count} other sessions end at once; this one continues."),
    };
    let (asked, verb) = ("End your other sessions?", "End other sessions");
    Ok(Question::new(&request, asked, verb, PATH, "end-others").fact(fact))
}

pub(in crate::http::portal) async fn end_others(
    request: PortalRequest<Viewer>,
    _form: Form,
) -> Result<Response> {
    let admins = &request.app.admins;
    admins.end_other_sessions(&request.origin, &request).await?;
    Ok(see_done(PATH, "others"))
}
