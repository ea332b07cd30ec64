//! Owns what is asked before an admin is disabled or deleted, or gets another password, and before sessions end.

use axum::extract::State;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::domain::{Admin, AdminName, SessionId, span_in_words};
use crate::http::AppState;
use crate::http::portal::access::session::{Owner, Session, Viewer};
use crate::http::portal::admins::{PATH, sessions};
use crate::http::portal::page::question::Question;
use crate::http::request::path::InPath;

/// When the admin was here last.
async fn presence(app: &AppState, admin: &Admin) -> Result<String> {
    let now = app.clock().now();
    let sessions = app.admins.list_sessions(Some(&admin.name)).await?;
    let last = match (sessions.first(), admin.last_log_in_at) {
        (Some(session), _) => {
            let ago = span_in_words(now.since(session.seen_at));
            format!("active {ago} ago from {}", session.source)
        }
        (None, Some(at)) => format!("last login {} ago", span_in_words(now.since(at))),
        (None, None) => "never logged in".to_owned(),
    };
    let count = sessions.len();
    let plural = if count == 1 { "" } else { "s" };
    Ok(format!(
        "{} has {count} active session{plural}, {last}.",
        admin.name
    ))
}

async fn question(
    app: &AppState,
    session: &Session<Owner>,
    name: &AdminName,
    asked: String,
    verb: &'static str,
    action: &str,
) -> Result<Question> {
    let admin = app.admins.find(name).await?;
    let path = format!("{PATH}/{name}");
    let layout = session.layout(asked, &path);
    let question = Question::new(layout, verb, format!("{path}/{action}"), path)
        .fact(presence(app, &admin).await?);
    Ok(if session.admin.name == *name {
        question.fact("This is your own account: you are logged out.")
    } else {
        question
    })
}

/// Asks before an admin is disabled.
pub(in crate::http::portal) async fn ask_disable(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
) -> Result<Response> {
    let asked = format!("Disable {name}?");
    let question = question(&app, &session, &name, asked, "Disable admin", "status").await?;
    Ok(question
        .field("status", "disabled")
        .fact("All sessions end at once, and logins are refused until an owner enables the admin.")
        .show())
}

/// Asks before an admin gets another password.
pub(in crate::http::portal) async fn ask_reset(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
) -> Result<Response> {
    let asked = format!("Reset the password of {name}?");
    let question = question(&app, &session, &name, asked, "Reset password", "reset").await?;
    Ok(question
        .fact("All sessions end at once. The server generates another password and shows it to you once; the admin must change it at the next login.")
        .tick("second_factor", "Also remove the second factor")
        .show())
}

/// What is asked before an admin is deleted.
pub(super) async fn deletion(
    app: &AppState,
    session: &Session<Owner>,
    name: &AdminName,
) -> Result<Question> {
    let asked = format!("Delete {name}?");
    let question = question(app, session, name, asked, "Delete admin", "delete").await?;
    Ok(question
        .fact("All sessions end at once, and nobody can undo this. The audit trail keeps what the admin did.")
        .typed("Type the name of the admin to confirm"))
}

/// Asks before an admin is deleted.
pub(in crate::http::portal) async fn ask_delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
) -> Result<Response> {
    Ok(deletion(&app, &session, &name).await?.show())
}

/// Asks before a session ends.
pub(in crate::http::portal) async fn ask_end_session(
    State(app): State<AppState>,
    session: Session<Viewer>,
    InPath(id): InPath<SessionId>,
) -> Result<Response> {
    let all = app.admins.list_sessions(sessions::own(&session)).await?;
    let found = all.into_iter().find(|it| it.session_id == id);
    let found = found.ok_or_else(|| Error::not_found(format!("session `{id}`")))?;
    let ago = span_in_words(app.clock().now().since(found.seen_at));
    let layout = session.layout(
        format!("End this session of {}?", found.name),
        sessions::PATH,
    );
    let action = format!("{}/{id}/end", sessions::PATH);
    Ok(Question::new(layout, "End session", action, sessions::PATH)
        .fact(format!(
            "Last used {ago} ago from {}, with `{}`. The browser has to log in again.",
            found.source, found.user_agent
        ))
        .show())
}

/// Asks before all other sessions of the admin end.
pub(in crate::http::portal) async fn ask_end_others(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Result<Response> {
    let mine = app.admins.list_sessions(Some(&session.admin.name)).await?;
    let fact = match mine.len().saturating_sub(1) {
        0 => "You have no other session.".to_owned(),
        1 => "Your other session ends at once; this one continues.".to_owned(),
        count => format!("Your {count} other sessions end at once; this one continues."),
    };
    let layout = session.layout("End your other sessions?", sessions::PATH);
    let action = format!("{}/end-others", sessions::PATH);
    Ok(
        Question::new(layout, "End other sessions", action, sessions::PATH)
            .fact(fact)
            .show(),
    )
}
