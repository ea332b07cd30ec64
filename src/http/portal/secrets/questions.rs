//! Owns what is asked before a secret expires or is deleted: whether anything uses it.

use axum::extract::State;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::domain::{ClientEffect, ClientId, ClientSecret, SecretAdvice, SecretId};
use crate::http::AppState;
use crate::http::portal::access::session::{Operator, Session};
use crate::http::portal::clients::questions::find;
use crate::http::portal::links::path_of;
use crate::http::portal::page::fields::SHORT_LIFETIMES;
use crate::http::portal::page::question::Question;
use crate::http::request::path::InPath;

type SecretPath = InPath<(ClientId, SecretId)>;

/// How people tell a secret from others.
pub(in crate::http::portal) fn name_of(secret: &ClientSecret) -> String {
    if secret.hint.is_empty() {
        secret.secret_id.to_string()
    } else {
        format!("…{}", secret.hint)
    }
}

/// A question about a secret, with what is known of its use.
async fn question(
    app: &AppState,
    session: &Session<Operator>,
    (id, secret_id): &(ClientId, SecretId),
    verb: &'static str,
    action: &str,
) -> Result<Question> {
    let record = find(app, session, id, ClientEffect::Changes).await?;
    let secret = record.secrets.iter().find(|it| it.secret_id == *secret_id);
    let secret =
        secret.ok_or_else(|| Error::not_found(format!("secret `{secret_id}` of client `{id}`")))?;
    let uses = app.usage.find_of_client(id).await?;
    let advice = SecretAdvice::new(secret, &record, &uses, app.clock().now());
    let path = path_of(id);
    let layout = session.layout(format!("{verb} {}?", name_of(secret)), &path);
    let action = format!("{path}/secrets/{secret_id}/{action}");
    Ok(Question::new(layout, verb, action, path).fact(advice.sentence))
}

/// Asks before a secret is deleted.
pub(in crate::http::portal) async fn ask_delete(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(of): SecretPath,
) -> Result<Response> {
    let question = question(&app, &session, &of, "Delete secret", "remove").await?;
    Ok(question
        .fact("It stops working at once, and nobody can undo this. Tokens issued with it stay active until they expire.")
        .show())
}

/// Asks when a secret expires.
pub(in crate::http::portal) async fn expiry(
    app: &AppState,
    session: &Session<Operator>,
    of: &(ClientId, SecretId),
) -> Result<Question> {
    let question = question(app, session, of, "Expire secret", "end").await?;
    Ok(question
        .choice("Expires", "lifetime", SHORT_LIFETIMES, "24h")
        .moment("or at this time (UTC)"))
}

/// Asks when a secret expires.
pub(in crate::http::portal) async fn ask_expire(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(of): SecretPath,
) -> Result<Response> {
    Ok(expiry(&app, &session, &of).await?.show())
}
