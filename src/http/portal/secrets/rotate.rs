//! Rotating the secret of a client: a new one is shown once, the old ones end by themselves or when somebody finishes.

use axum::extract::State;
use axum::response::Response;

use crate::app::AddedSecret;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{
    ClientEffect, ClientId, ClientRecord, ClientSecret, IdleExpiry, OldSecrets, SecretAdvice,
};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session};
use crate::http::portal::clients::questions::{find, usage};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page::fields::{Choice, LIFETIMES, read_lifetime, read_span};
use crate::http::portal::page::question::Question;
use crate::http::portal::secrets::questions::name_of;
use crate::http::portal::secrets::{Made, path_of_new};
use crate::http::request::path::InPath;

/// Before a span: the secret ends so long after its last use.
const UNUSED: &str = "unused:";

/// When the old secrets end.
const OLD_ENDS: &[Choice] = &[
    ("24h", "in 24 hours"),
    ("7d", "in 7 days"),
    ("unused:24h", "24 hours after its last use"),
    ("unused:7d", "7 days after its last use"),
];

/// The old secrets of a rotation: those that something ends and that are not the newest live one.
pub(in crate::http::portal) fn old_secrets(
    secrets: &[ClientSecret],
    now: UnixTime,
) -> Option<(&ClientSecret, Vec<&ClientSecret>)> {
    let live = secrets.iter().filter(|it| it.is_live(now));
    // Of two that were made in one second the one that lives longer is the new one.
    let newest =
        live.max_by_key(|it| (it.created_at, it.expires_at.unwrap_or(UnixTime(i64::MAX))))?;
    let old: Vec<&ClientSecret> = secrets
        .iter()
        .filter(|it| it.secret_id != newest.secret_id && it.created_at <= newest.created_at)
        .filter(|it| it.expires_at.is_some() || it.unused_for.is_some())
        .collect();
    (!old.is_empty()).then_some((newest, old))
}

/// What uses each of these secrets.
async fn advice(
    app: &AppState,
    record: &ClientRecord,
    secrets: impl Iterator<Item = &ClientSecret>,
) -> Result<Vec<String>> {
    let uses = app.usage.find_of_client(&record.client.client_id).await?;
    let now = app.clock().now();
    let sentence = |secret: &ClientSecret| {
        let advice = SecretAdvice::new(secret, record, &uses, now);
        format!("`{}`: {}", name_of(secret), advice.sentence)
    };
    Ok(secrets.map(sentence).collect())
}

async fn question(app: &AppState, session: &Session<Operator>, id: &ClientId) -> Result<Question> {
    find(app, session, id, ClientEffect::Changes).await?;
    let path = path_of(id);
    let layout = session.layout(format!("Rotate the secret of {id}?"), &path);
    let submission = layout.submission.as_str().to_owned();
    Ok(Question::new(layout, "Rotate secret", format!("{path}/rotate"), path)
        .harmless()
        .field("submission", &submission)
        .fact("The server generates a new secret and shows it once. The old one works until it expires.")
        .fact(usage(app, id).await?)
        .choice("Old secret expires", "old", OLD_ENDS, "24h")
        .choice("New secret expires", "lifetime", LIFETIMES, ""))
}

/// Asks when the old secrets expire.
pub(in crate::http::portal) async fn ask_rotate(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    Ok(question(&app, &session, &id).await?.show())
}

fn read_old(now: UnixTime, text: &str) -> Result<OldSecrets> {
    match text.strip_prefix(UNUSED) {
        Some(span) => {
            let span = IdleExpiry::from_seconds(read_span(span)?)?;
            Ok(OldSecrets::ExpireUnused(span))
        }
        None => Ok(OldSecrets::ExpireAt(now.plus(read_span(text)?))),
    }
}

/// Adds a secret, sets when the old ones expire, and redirects to the page that shows the new one once.
pub(in crate::http::portal) async fn rotate(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    mut form: Form,
) -> Result<Response> {
    let submission = form.submission();
    let (old, lifetime) = (form.take("old"), form.take("lifetime"));
    let rotated = async {
        let now = app.clock().now();
        let old = read_old(now, &old)?;
        let new = app
            .secrets
            .new_secret(None, read_lifetime(now, &lifetime)?)?;
        let (by, key) = (&session.origin, submission.key(&session));
        let seal = |added: &AddedSecret| Made::seal(&id, Some(added));
        let secrets = &app.secrets;
        secrets
            .rotate_secret(by, &id, new, old, Some(&key), seal)
            .await
    };
    match rotated.await {
        Ok(_) => Ok(submission.see(&path_of_new(&id))),
        Err(error) => {
            question(&app, &session, &id)
                .await?
                .again_at("old", error)
                .await
        }
    }
}

/// Asks before the old secrets are deleted.
pub(in crate::http::portal) async fn ask_finish(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    let record = find(&app, &session, &id, ClientEffect::Changes).await?;
    let path = path_of(&id);
    let layout = session.layout(format!("Finish the rotation of {id}?"), &path);
    let action = format!("{path}/finish-rotation");
    let mut question = Question::new(layout, "Delete old secrets", action, path);
    let rotation = old_secrets(&record.secrets, app.clock().now());
    let old = rotation.into_iter().flat_map(|(_, old)| old);
    for sentence in advice(&app, &record, old).await? {
        question = question.fact(sentence);
    }
    Ok(question
        .fact("The old secrets stop working at once, and nobody can undo this.")
        .show())
}

/// Deletes the old secrets.
pub(in crate::http::portal) async fn finish(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    _form: Form,
) -> Result<Response> {
    let record = find(&app, &session, &id, ClientEffect::Changes).await?;
    let rotation = old_secrets(&record.secrets, app.clock().now());
    for secret in rotation.into_iter().flat_map(|(_, old)| old) {
        app.secrets
            .delete(&session.origin, &id, &secret.secret_id)
            .await?;
    }
    Ok(see_done(&path_of(&id), "rotated"))
}
