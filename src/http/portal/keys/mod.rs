//! The signing keys: where in its life each is, and the steps that only owners take.

pub(in crate::http) mod timeline;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::app::KeyStatus;
use crate::app::error::Result;
use crate::domain::{AdminRole, ErrorCode, KeyId, SigningAlg};
use crate::http::portal::access::form::Form;
use crate::http::portal::access::guard::see;
use crate::http::portal::access::session::{Owner, Session, Viewer};
use crate::http::portal::keys::timeline::KeyLine;
use crate::http::portal::page;
use crate::http::portal::page::chart::Grouped;
use crate::http::portal::page::{Layout, When};
use crate::http::{AppState, Params};

const PATH: &str = "/admin/keys";

const DONE: &[(&str, &str)] = &[
    ("rotated", "The next key signs from now on."),
    ("prepared", "The key is published."),
    ("retired", "The key is retired."),
    (
        "deleted",
        "The key is gone, and with it every token under it.",
    ),
];

#[derive(Template)]
#[template(path = "keys/keys.html")]
struct KeysPage {
    layout: Layout,
    error: Option<String>,
    can_change: bool,
    signing_alg: SigningAlg,
    keys: Vec<KeyStatus>,
    asymmetric: Vec<SigningAlg>,
    lines: Vec<KeyLine>,
}

async fn keys_page<R>(app: &AppState, session: &Session<R>) -> Result<KeysPage> {
    let all = SigningAlg::ALL.into_iter();
    let keys = app.keys.list().await?;
    Ok(KeysPage {
        layout: Layout::new("Signing keys", PATH, Some(session)),
        error: None,
        can_change: session.permits(AdminRole::Owner),
        signing_alg: app.config().keys.signing_alg,
        lines: timeline::draw(&keys, app.clock().now()),
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

/// Every kept key.
pub(super) async fn show_keys(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let done = Params::from_query(&uri)?.take("done");
    let mut page = keys_page(&app, &session).await?;
    page.layout = page.layout.with_done(done.as_deref(), DONE);
    Ok(page::show(&page))
}

/// Makes the next key sign.
pub(super) async fn rotate(
    State(app): State<AppState>,
    session: Session<Owner>,
    mut form: Form,
) -> Result<Response> {
    let forced = form.is_ticked("now");
    let done = app.keys.rotate(&session.origin, forced).await;
    changed(&app, &session, done.map(drop), "rotated").await
}

/// Publishes a key of another algorithm ahead.
pub(super) async fn prepare(
    State(app): State<AppState>,
    session: Session<Owner>,
    mut form: Form,
) -> Result<Response> {
    let alg = SigningAlg::parse(&form.need("alg")?)?;
    let done = app.keys.prepare(&session.origin, alg).await;
    changed(&app, &session, done.map(drop), "prepared").await
}

/// Ends a key that does not sign.
pub(super) async fn retire(
    State(app): State<AppState>,
    session: Session<Owner>,
    Path(kid): Path<String>,
    _form: Form,
) -> Result<Response> {
    let done = app.keys.retire(&session.origin, &KeyId::parse(&kid)?).await;
    changed(&app, &session, done, "retired").await
}

/// Ends a key and every token under it.
pub(super) async fn delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    Path(kid): Path<String>,
    _form: Form,
) -> Result<Response> {
    let done = app.keys.delete(&session.origin, &KeyId::parse(&kid)?).await;
    changed(&app, &session, done, "deleted").await
}

async fn changed(
    app: &AppState,
    session: &Session<Owner>,
    done: Result<()>,
    word: &str,
) -> Result<Response> {
    let Err(error) = done else {
        return Ok(see(&format!("{PATH}?done={word}")));
    };
    // Too early for a rotation is one, and says how long to wait.
    let error = if error.code == ErrorCode::TemporarilyUnavailable {
        error
    } else {
        page::mendable(error)?
    };
    let mut page = keys_page(app, session).await?;
    page.error = Some(page::sentence(&error));
    Ok(page::show_again(&page, error))
}
