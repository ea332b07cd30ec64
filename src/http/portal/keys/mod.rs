//! The signing keys: the state of each, and the actions that only owners take.

pub(in crate::http) mod questions;
pub(in crate::http) mod timeline;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::KeyStatus;
use crate::app::error::Result;
use crate::domain::{AdminRole, ErrorCode, KeyId, SigningAlg};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Owner, Session, Viewer};
use crate::http::portal::keys::timeline::Timeline;
use crate::http::portal::page;
use crate::http::portal::page::chart::Grouped;
use crate::http::portal::page::{Layout, When};
use crate::http::request::path::InPath;

const PATH: &str = "/admin/keys";

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

async fn keys_page<R>(app: &AppState, session: &Session<R>) -> Result<KeysPage> {
    let all = SigningAlg::ALL.into_iter();
    let keys = app.keys.list().await?;
    Ok(KeysPage {
        layout: session.layout("Signing keys", PATH),
        can_change: session.permits(AdminRole::Owner),
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

/// Shows every key.
pub(super) async fn show_keys(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Result<Response> {
    Ok(page::show(&keys_page(&app, &session).await?))
}

/// Makes the next key sign.
pub(super) async fn rotate(
    State(app): State<AppState>,
    session: Session<Owner>,
    mut form: Form,
) -> Result<Response> {
    let forced = form.is_ticked("now");
    let done = app.keys.rotate(&session.origin, forced).await;
    changed(&app, &session, done, "rotated").await
}

/// Publishes a key of another algorithm ahead.
pub(super) async fn prepare(
    State(app): State<AppState>,
    session: Session<Owner>,
    mut form: Form,
) -> Result<Response> {
    let alg = SigningAlg::parse(&form.need("alg")?)?;
    let done = app.keys.prepare(&session.origin, alg).await;
    changed(&app, &session, done, "prepared").await
}

/// Retires a key that does not sign.
pub(super) async fn retire(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(kid): InPath<KeyId>,
    _form: Form,
) -> Result<Response> {
    let done = app.keys.retire(&session.origin, &kid).await;
    changed(&app, &session, done, "retired").await
}

/// Deletes a key, and with it every token that it signed.
pub(super) async fn delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(kid): InPath<KeyId>,
    _form: Form,
) -> Result<Response> {
    let done = app.keys.delete(&session.origin, &kid).await;
    changed(&app, &session, done, "deleted").await
}

async fn changed<T>(
    app: &AppState,
    session: &Session<Owner>,
    done: Result<T>,
    word: &str,
) -> Result<Response> {
    let page = keys_page(app, session);
    match done {
        // A rotation that is too early says how long to wait.
        Err(error) if error.code == ErrorCode::TemporarilyUnavailable => {
            Ok(page::with_problem(page.await?, error))
        }
        done => page::after(done, PATH, word, page).await,
    }
}
