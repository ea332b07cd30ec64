//! Owns what is asked before a signing key is retired or deleted.

use axum::extract::State;
use axum::response::Response;

use crate::app::KeyStatus;
use crate::app::error::{Error, Result};
use crate::domain::KeyId;
use crate::http::AppState;
use crate::http::portal::access::session::{Owner, Session};
use crate::http::portal::keys::PATH;
use crate::http::portal::page::question::Question;
use crate::http::request::path::InPath;

async fn find(app: &AppState, kid: &KeyId) -> Result<KeyStatus> {
    let found = app.keys.list().await?.into_iter().find(|it| it.kid == *kid);
    found.ok_or_else(|| Error::not_found(format!("key `{kid}`")))
}

fn question(session: &Session<Owner>, kid: &KeyId, verb: &'static str, action: &str) -> Question {
    let layout = session.layout(format!("{verb} {kid}?"), PATH);
    Question::new(layout, verb, format!("{PATH}/{kid}/{action}"), PATH)
}

/// Asks before a key is retired.
pub(in crate::http::portal) async fn ask_retire(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(kid): InPath<KeyId>,
) -> Result<Response> {
    let key = find(&app, &kid).await?;
    Ok(question(&session, &kid, "Retire key", "retire")
        .fact(format!(
            "The key signs nothing from now on. It verifies at most {} active tokens until they expire.",
            key.live_tokens_at_most
        ))
        .show())
}

/// Asks before a key is deleted.
pub(in crate::http::portal) async fn ask_delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(kid): InPath<KeyId>,
) -> Result<Response> {
    let key = find(&app, &kid).await?;
    Ok(question(&session, &kid, "Delete key", "delete")
        .fact(format!(
            "This ends at most {} active tokens. Nobody can undo this.",
            key.live_tokens_at_most
        ))
        .show())
}
