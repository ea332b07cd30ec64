//! The secrets of a client: one more, an end, and none. A secret itself is shown once, when it is made.

pub(in crate::http) mod snippets;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::app::AddedSecret;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::config::parse_seconds;
use crate::domain::{Client, ClientId, IdleExpiry, SecretId};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session};
use crate::http::portal::audit::read_time;
use crate::http::portal::clients::client::changed;
use crate::http::portal::clients::list::path_of;
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::portal::secrets::snippets::Snippet;

/// How long something is to live, and how that is said.
pub(super) struct Lifetime {
    pub(super) value: &'static str,
    pub(super) label: &'static str,
}

const fn lifetime(value: &'static str, label: &'static str) -> Lifetime {
    Lifetime { value, label }
}

/// When a new secret may end.
pub(super) const LIFETIMES: &[Lifetime] = &[
    lifetime("", "never"),
    lifetime("30d", "in 30 days"),
    lifetime("90d", "in 90 days"),
    lifetime("180d", "in 180 days"),
    lifetime("365d", "in 365 days"),
];

/// No span: a span is never zero.
const NOW: &str = "now";

/// When an old one may.
pub(super) const SHORT_LIFETIMES: &[Lifetime] = &[
    lifetime(NOW, "now"),
    lifetime("1h", "in 1 hour"),
    lifetime("24h", "in 24 hours"),
    lifetime("7d", "in 7 days"),
    lifetime("30d", "in 30 days"),
    lifetime("unused:1h", "1 hour after its last use"),
    lifetime("unused:24h", "24 hours after its last use"),
    lifetime("unused:7d", "7 days after its last use"),
    lifetime("unused:never", "not for want of use"),
];

/// When a secret of this lifetime ends; empty: never.
pub(in crate::http::portal) fn end_of_new(
    app: &AppState,
    lifetime: &str,
) -> Result<Option<UnixTime>> {
    match lifetime {
        "" => Ok(None),
        span => Ok(Some(app.clock().now().plus(read_span(span)?))),
    }
}

fn read_span(text: &str) -> Result<i64> {
    parse_seconds(text).map_err(Error::invalid_request)
}

#[derive(Template)]
#[template(path = "secrets/client_secret.html")]
struct AddedPage {
    layout: Layout,
    path: String,
    client_id: ClientId,
    plain: String,
    secret_id: SecretId,
    expires_at: Option<UnixTime>,
    is_bound: bool,
    snippets: Vec<Snippet>,
}

/// The one time that a secret is shown.
pub(super) fn show_added(
    app: &AppState,
    session: &Session<Operator>,
    client: &Client,
    added: &AddedSecret,
) -> Response {
    let (id, plain) = (&client.client_id, added.plain.expose());
    let constraint = client.sender_constraint;
    page::show(&AddedPage {
        layout: Layout::new("A new secret", &path_of(id), Some(session)),
        path: path_of(id),
        client_id: id.clone(),
        plain: plain.clone(),
        secret_id: added.secret.secret_id.clone(),
        expires_at: added.secret.expires_at,
        is_bound: constraint.dpop_bound_access_tokens
            || constraint.tls_client_certificate_bound_access_tokens,
        snippets: snippets::of(&app.keys.current().issuer().to_string(), client, plain),
    })
}

/// Adds a secret, and shows it once.
pub(super) async fn add_secret(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let id = ClientId::parse(&id)?;
    let added = async {
        let chosen = form.take_secret("client_secret");
        let end = end_of_new(&app, &form.take("lifetime"))?;
        let new = app.secrets.new_secret(chosen, end)?;
        // Before it: a failure after it would lose the secret.
        let client = app.clients.find(&id).await?.client;
        let added = app.secrets.add(&session.origin, &id, new).await?;
        Ok((client, added))
    };
    match added.await {
        Ok((client, added)) => Ok(show_added(&app, &session, &client, &added)),
        Err(error) => changed(&app, &session, &id, Err(error), "").await,
    }
}

/// Ends a secret after a while, at a time, or when it is used no more.
pub(super) async fn end_secret(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path((id, secret_id)): Path<(String, String)>,
    mut form: Form,
) -> Result<Response> {
    let (id, secret_id) = (ClientId::parse(&id)?, SecretId::parse(&secret_id)?);
    let done = async {
        let (at, span) = (form.take("at"), form.take("lifetime"));
        let by = &session.origin;
        if let Some(span) = span.strip_prefix("unused:").filter(|_| at.is_empty()) {
            let unused_for = read_unused_for(span)?;
            return app
                .secrets
                .set_idle_expiry(by, &id, &secret_id, unused_for)
                .await;
        }
        let end = read_end(&app, &at, &span)?;
        app.secrets.expire(by, &id, &secret_id, end).await
    };
    let done = done.await;
    changed(&app, &session, &id, done, "ended").await
}

fn read_unused_for(text: &str) -> Result<Option<IdleExpiry>> {
    match text {
        "never" => Ok(None),
        span => Ok(Some(IdleExpiry::from_seconds(read_span(span)?)?)),
    }
}

fn read_end(app: &AppState, at: &str, span: &str) -> Result<UnixTime> {
    let now = app.clock().now();
    match (at, span) {
        ("", NOW) => Ok(now),
        ("", span) => Ok(now.plus(read_span(span)?)),
        (at, _) => read_time(at),
    }
}

/// Removes a secret.
pub(super) async fn remove_secret(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path((id, secret_id)): Path<(String, String)>,
    _form: Form,
) -> Result<Response> {
    let (id, secret_id) = (ClientId::parse(&id)?, SecretId::parse(&secret_id)?);
    let done = app.secrets.delete(&session.origin, &id, &secret_id).await;
    changed(&app, &session, &id, done, "removed").await
}
