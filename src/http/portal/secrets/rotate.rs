//! Rotating the secret of a client: a new one is shown once, the old ones end by themselves or when somebody finishes.

use axum::response::Response;

use crate::app::AddedSecret;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{ClientEffect, ClientId, ClientSecret, IdleExpiry, OldSecrets, SecretAdvice};
use crate::http::portal::access::{Form, Operator, PortalRequest};
use crate::http::portal::clients::questions::{find, usage};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page::Question;
use crate::http::portal::page::fields::{Choice, LIFETIMES, read_lifetime, read_span};
use crate::http::portal::secrets::{Made, name_of, path_of_new};

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

pub(in crate::http::portal) async fn ask_rotate(
    request: PortalRequest<Operator, ClientId>,
) -> Result<Question> {
    let id = &request.target;
    find(&request, id, ClientEffect::Changes).await?;
    let asked = format!("Rotate the secret of {id}?");
    Ok(Question::new(&request, asked, "Rotate secret", &path_of(id), "rotate")
        .harmless()
        .submission()
        .fact("The server generates a new secret and shows it once. The old one works until it expires.")
        .fact(usage(&request.app, id).await?)
        .choice("Old secret expires", "old", OLD_ENDS, "24h")
        .choice("New secret expires", "lifetime", LIFETIMES, ""))
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
    request: PortalRequest<Operator, ClientId>,
    mut form: Form,
) -> Result<Response> {
    let (app, id) = (&request.app, &request.target);
    let submission = form.submission();
    let (old, lifetime) = (form.take("old"), form.take("lifetime"));
    let rotated = async {
        let (secrets, now) = (&app.secrets, app.clock().now());
        let old = read_old(now, &old)?;
        let new = secrets.new_secret(None, read_lifetime(now, &lifetime)?)?;
        let (by, key) = (&request.origin, submission.key(&request));
        let seal = |added: &AddedSecret| Made::seal(id, Some(added));
        let rotated = secrets.rotate_secret(by, id, new, old, Some(&key), seal);
        rotated.await
    };
    match rotated.await {
        Ok(_) => Ok(submission.see(&path_of_new(id))),
        Err(error) => ask_rotate(request).await?.again_at("old", error).await,
    }
}

/// Asks before the old secrets are deleted, and says what uses each of them.
pub(in crate::http::portal) async fn ask_finish(
    request: PortalRequest<Operator, ClientId>,
) -> Result<Question> {
    let (app, id) = (&request.app, &request.target);
    let record = find(&request, id, ClientEffect::Changes).await?;
    let now = app.clock().now();
    let old = old_secrets(&record.secrets, now).into_iter();
    let uses = app.usage.find_of_client(id).await?;
    let advice = old.flat_map(|(_, old)| old).map(|secret| {
        let advice = SecretAdvice::new(secret, &record, &uses, now);
        format!("`{}`: {}", name_of(secret), advice.sentence)
    });
    let (asked, path) = (format!("Finish the rotation of {id}?"), path_of(id));
    let verb = "Delete old secrets";
    Ok(
        Question::new(&request, asked, verb, &path, "finish-rotation")
            .facts(advice)
            .fact("The old secrets stop working at once, and nobody can undo this."),
    )
}

/// Deletes the old secrets.
pub(in crate::http::portal) async fn finish(
    request: PortalRequest<Operator, ClientId>,
    _form: Form,
) -> Result<Response> {
    let (app, id) = (&request.app, &request.target);
    let record = find(&request, id, ClientEffect::Changes).await?;
    let rotation = old_secrets(&record.secrets, app.clock().now());
    for secret in rotation.into_iter().flat_map(|(_, old)| old) {
        let (by, secrets) = (&request.origin, &app.secrets);
        secrets.delete(by, id, &secret.secret_id).await?;
    }
    Ok(see_done(&path_of(id), "rotated"))
}
