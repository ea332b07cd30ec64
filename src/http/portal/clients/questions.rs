//! Owns what is asked before a client is disabled or deleted, its tokens are revoked, or it is detached from its manifest.

use axum::extract::State;
use axum::response::Response;

use crate::app::error::Result;
use crate::domain::{ClientEffect, ClientId, ClientRecord};
use crate::http::AppState;
use crate::http::portal::access::session::{Operator, Session};
use crate::http::portal::links::path_of;
use crate::http::portal::page::question::Question;
use crate::http::request::path::InPath;

/// The client, if the actor may do this to it.
pub(in crate::http::portal) async fn find(
    app: &AppState,
    session: &Session<Operator>,
    id: &ClientId,
    effect: ClientEffect,
) -> Result<ClientRecord> {
    let record = app.clients.find(id).await?;
    let actor = &session.origin.actor;
    actor.check_client_write(id, &record.client.scopes, effect)?;
    Ok(record)
}

/// Whether anything uses the client.
pub(in crate::http::portal) async fn usage(app: &AppState, id: &ClientId) -> Result<String> {
    let uses = app.usage.find_of_client(id).await?;
    let Some(last) = uses.last else {
        return Ok("Nobody has used this client yet.".to_owned());
    };
    let hours = app.usage.list_client_hours(id, 24).await?;
    let tokens: u64 = hours.iter().map(|it| it.counts.issued).sum();
    let tokens = match tokens {
        0 => "no tokens".to_owned(),
        1 => "1 token".to_owned(),
        count => format!("{count} tokens"),
    };
    Ok(format!(
        "It got {tokens} in 24 hours. Last used {}.",
        last.in_words(app.clock().now())
    ))
}

fn question(
    session: &Session<Operator>,
    id: &ClientId,
    asked: String,
    verb: &'static str,
    action: &str,
) -> Question {
    let path = path_of(id);
    let layout = session.layout(asked, &path);
    Question::new(layout, verb, format!("{path}/{action}"), path)
}

/// Asks before the client is disabled.
pub(in crate::http::portal) async fn ask_disable(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    find(&app, &session, &id, ClientEffect::Restricts).await?;
    let asked = format!("Disable {id}?");
    Ok(question(&session, &id, asked, "Disable client", "status")
        .field("status", "disabled")
        .fact(usage(&app, &id).await?)
        .fact("Its tokens are revoked at once, and it gets no new ones until somebody enables it. Its secrets stay.")
        .show())
}

/// Asks before the tokens of the client are revoked.
pub(in crate::http::portal) async fn ask_revoke(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    find(&app, &session, &id, ClientEffect::Restricts).await?;
    let asked = format!("Revoke all tokens of {id}?");
    Ok(question(&session, &id, asked, "Revoke tokens", "revoke-tokens")
        .fact(usage(&app, &id).await?)
        .fact("All its tokens fail from now on. It can get new ones at once, and so can a thief who has its secret: then rotate the secret too.")
        .show())
}

/// What is asked before the client is deleted.
pub(super) async fn deletion(
    app: &AppState,
    session: &Session<Operator>,
    id: &ClientId,
) -> Result<Question> {
    let record = find(app, session, id, ClientEffect::Changes).await?;
    let secrets = match record.secrets.len() {
        0 => String::new(),
        1 => ", its secret is deleted".to_owned(),
        count => format!(", its {count} secrets are deleted"),
    };
    let asked = format!("Delete {id}?");
    let mut question = question(session, id, asked, "Delete client", "delete")
        .typed("Type the ID of the client to confirm")
        .fact(usage(app, id).await?)
        .fact(format!("Its tokens are revoked at once{secrets}, and nobody can undo this. The audit trail stays."));
    if let Some(file) = record.client.managed_by {
        question = question.fact(format!(
            "The manifest `{file}` manages this client: its next apply creates the client again."
        ));
    }
    Ok(question)
}

/// Asks before the client is deleted.
pub(in crate::http::portal) async fn ask_delete(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    Ok(deletion(&app, &session, &id).await?.show())
}

/// Asks before the client is detached from its manifest.
pub(in crate::http::portal) async fn ask_detach(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    let client = find(&app, &session, &id, ClientEffect::Changes)
        .await?
        .client;
    let asked = format!("Detach {id} from its manifest?");
    let mut question = question(&session, &id, asked, "Detach", "release");
    if let Some(file) = client.managed_by {
        question = question.fact(format!(
            "The next apply of `{file}` manages the client again if the manifest still has it."
        ));
    }
    Ok(question.show())
}
