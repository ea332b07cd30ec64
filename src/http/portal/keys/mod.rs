//! The signing keys: the state of each, and the actions that only owners take. What is asked before one says what it ends.

mod timeline;

use askama::Template;
use axum::response::Response;

use crate::app::KeyStatus;
use crate::app::error::{Error, Result};
use crate::domain::{
    AdminRole, ErrorCode, JWKS_MAX_AGE, KeyId, RETIRED_KEY_TTL, SigningAlg, span_in_words,
};
use crate::http::portal::access::{Form, Owner, PortalRequest, Viewer};
use crate::http::portal::keys::timeline::Timeline;
use crate::http::portal::page::{self, Grouped, Layout, Question, When};

const PATH: &str = "/admin/keys";

/// Without this box a rotation waits until every verifier can know the key.
const FORCED: &str = "Rotate before all verifiers know the key";

#[derive(Template)]
#[template(path = "keys/keys.html")]
struct KeysPage {
    layout: Layout,
    can_change: bool,
    signing_alg: SigningAlg,
    keys: Vec<KeyStatus>,
    asymmetric: Vec<SigningAlg>,
    timeline: Timeline,
}

page::pages!(KeysPage);

async fn keys_page<R, T>(request: &PortalRequest<R, T>) -> Result<KeysPage> {
    let app = &request.app;
    let all = SigningAlg::ALL.into_iter();
    let keys = app.keys.list().await?;
    Ok(KeysPage {
        layout: request.layout("Signing keys", PATH),
        can_change: request.permits(AdminRole::Owner),
        signing_alg: app.config().keys.signing_alg,
        timeline: timeline::draw(&keys, app.clock().now(), app.metrics().keys.rotation_due),
        keys,
        asymmetric: all.filter(|alg| alg.is_asymmetric()).collect(),
    })
}

impl KeysPage {
    /// Whether a key may be retired by hand: the one that signs is rotated.
    fn may_retire(&self, key: &KeyStatus) -> bool {
        key.state == "next" || (key.state == "active" && key.alg != self.signing_alg)
    }
}

pub(super) async fn show_keys(request: PortalRequest<Viewer>) -> Result<Response> {
    Ok(page::show(&keys_page(&request).await?))
}

pub(super) async fn ask_rotate(request: PortalRequest<Owner>) -> Result<Question> {
    let (app, asked) = (&request.app, "Rotate the signing keys?");
    let question = Question::new(&request, asked, "Rotate keys", PATH, "rotate").harmless();
    let config = app.config();
    let alg = config.keys.signing_alg;
    if !alg.is_asymmetric() {
        return Ok(question.impossible(format!(
            "SIGNING_ALG is {alg}: the server signs with SECRET, and has no keys to rotate."
        )));
    }
    let doubt = app.core.find_clock_doubt().await?;
    if let Some(doubt) = doubt.filter(|_| !config.development) {
        return Ok(question.impossible(format!(
            "The server rotates no keys while the clock may be wrong: {doubt}."
        )));
    }
    let (keys, now) = (app.keys.list().await?, app.clock().now());
    let find = |state| keys.iter().find(|it| it.alg == alg && it.state == state);
    let question = match find("next") {
        Some(next) => {
            let known_at = next.created_at.plus(JWKS_MAX_AGE);
            let question = question.fact(format!(
                "`{}` signs every new token from now on. The server publishes another next key.",
                next.kid
            ));
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
    let retirement = |active: &KeyStatus| {
        format!(
            "`{}` signs no more tokens. It still verifies at most {} active tokens, until {}.",
            active.kid,
            active.live_tokens_at_most,
            When(now.plus(RETIRED_KEY_TTL))
        )
    };
    Ok(question.facts(find("active").map(retirement)))
}

/// Makes the next key sign.
pub(super) async fn rotate(request: PortalRequest<Owner>, mut form: Form) -> Result<Response> {
    let (by, forced) = (&request.origin, form.is_ticked("now"));
    let done = request.app.keys.rotate(by, forced).await;
    changed(&request, done, "rotated").await
}

/// Publishes a key of another algorithm ahead.
pub(super) async fn prepare(request: PortalRequest<Owner>, mut form: Form) -> Result<Response> {
    let alg = SigningAlg::parse(&form.need("alg")?)?;
    let done = request.app.keys.prepare(&request.origin, alg).await;
    changed(&request, done, "prepared").await
}

/// A question about a key, and how many active tokens the key verifies at most.
async fn question(
    request: &PortalRequest<Owner, KeyId>,
    verb: &'static str,
    action: &str,
) -> Result<(Question, u64)> {
    let kid = &request.target;
    let mut keys = request.app.keys.list().await?.into_iter();
    let key = keys.find(|it| it.kid == *kid);
    let key = key.ok_or_else(|| Error::not_found(format!("key `{kid}`")))?;
    let (asked, action) = (format!("{verb} {kid}?"), format!("{kid}/{action}"));
    let question = Question::new(request, asked, verb, PATH, &action);
    Ok((question, key.live_tokens_at_most))
}

pub(super) async fn ask_retire(request: PortalRequest<Owner, KeyId>) -> Result<Question> {
    let (question, tokens) = question(&request, "Retire key", "retire").await?;
    Ok(question.fact(format!(
        "The key signs no more tokens. It still verifies at most {tokens} active tokens until they expire."
    )))
}

/// Retires a key that does not sign.
pub(super) async fn retire(request: PortalRequest<Owner, KeyId>, _form: Form) -> Result<Response> {
    let (by, kid) = (&request.origin, &request.target);
    let done = request.app.keys.retire(by, kid).await;
    changed(&request, done, "retired").await
}

pub(super) async fn ask_delete(request: PortalRequest<Owner, KeyId>) -> Result<Question> {
    let (question, tokens) = question(&request, "Delete key", "delete").await?;
    Ok(question.fact(format!(
        "This ends at most {tokens} active tokens. Nobody can undo this."
    )))
}

/// Deletes a key, and with it every token that it signed.
pub(super) async fn delete(request: PortalRequest<Owner, KeyId>, _form: Form) -> Result<Response> {
    let (by, kid) = (&request.origin, &request.target);
    let done = request.app.keys.delete(by, kid).await;
    changed(&request, done, "deleted").await
}

async fn changed<T, D>(
    request: &PortalRequest<Owner, T>,
    done: Result<D>,
    word: &str,
) -> Result<Response> {
    let page = keys_page(request);
    match done {
        // A rotation that is too early says how long to wait.
        Err(error) if error.code == ErrorCode::TemporarilyUnavailable => {
            Ok(page::with_problem(page.await?, error))
        }
        done => page::after(done, PATH, word, page).await,
    }
}
