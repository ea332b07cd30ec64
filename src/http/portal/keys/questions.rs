//! Owns what is asked before the signing keys are rotated, and before one is retired or deleted.

use axum::extract::State;
use axum::response::Response;

use crate::app::KeyStatus;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{JWKS_MAX_AGE, KeyId, RETIRED_KEY_TTL, span_in_words};
use crate::http::AppState;
use crate::http::portal::access::session::{Owner, Session};
use crate::http::portal::keys::PATH;
use crate::http::portal::page::When;
use crate::http::portal::page::question::Question;
use crate::http::request::path::InPath;

/// Without this box a rotation waits until every verifier can know the key.
const FORCED: &str = "Rotate before all verifiers know the key";

async fn find(app: &AppState, kid: &KeyId) -> Result<KeyStatus> {
    let found = app.keys.list().await?.into_iter().find(|it| it.kid == *kid);
    found.ok_or_else(|| Error::not_found(format!("key `{kid}`")))
}

fn question(session: &Session<Owner>, kid: &KeyId, verb: &'static str, action: &str) -> Question {
    let layout = session.layout(format!("{verb} {kid}?"), PATH);
    Question::new(layout, verb, format!("{PATH}/{kid}/{action}"), PATH)
}

/// What becomes of the active key when it is rotated.
fn retirement(active: &KeyStatus, now: UnixTime) -> String {
    format!(
        "`{}` signs no more tokens. It still verifies at most {} active tokens, until {}.",
        active.kid,
        active.live_tokens_at_most,
        When(now.plus(RETIRED_KEY_TTL))
    )
}

/// Asks before the keys are rotated.
pub(in crate::http::portal) async fn ask_rotate(
    State(app): State<AppState>,
    session: Session<Owner>,
) -> Result<Response> {
    let layout = session.layout("Rotate the signing keys?", PATH);
    let question = Question::new(layout, "Rotate keys", format!("{PATH}/rotate"), PATH).harmless();
    let config = app.config();
    let alg = config.keys.signing_alg;
    if !alg.is_asymmetric() {
        let fact = format!(
            "SIGNING_ALG is {alg}: the server signs with SECRET, and has no keys to rotate."
        );
        return Ok(question.impossible(fact).show());
    }
    let doubt = app.core.find_clock_doubt().await?;
    if let Some(doubt) = doubt.filter(|_| !config.development) {
        let fact = format!("The server rotates no keys while the clock may be wrong: {doubt}.");
        return Ok(question.impossible(fact).show());
    }
    let (keys, now) = (app.keys.list().await?, app.clock().now());
    let find = |state| keys.iter().find(|it| it.alg == alg && it.state == state);
    let question = match find("next") {
        Some(next) => {
            let known_at = next.created_at.plus(JWKS_MAX_AGE);
            let fact = format!(
                "`{}` signs every new token from now on. The server publishes another next key.",
                next.kid
            );
            let question = question.fact(fact);
            if known_at > now {
                let fact = format!(
                    "Some verifiers may not know this key until {} and would refuse its tokens: they may cache the \
                        key set for {}.",
                    When(known_at),
                    span_in_words(JWKS_MAX_AGE)
                );
                question.fact(fact).tick("now", FORCED)
            } else {
                question
            }
        }
        None => question
            .fact("There is no next key: the server generates one that signs at once. No verifier knows it yet, and some may refuse its tokens.")
            .tick("now", FORCED),
    };
    Ok(match find("active") {
        Some(active) => question.fact(retirement(active, now)),
        None => question,
    }
    .show())
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
            "The key signs no more tokens. It still verifies at most {} active tokens until they expire.",
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
