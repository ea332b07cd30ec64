//! The secrets of a client: one is added, expires, is deleted. A secret is shown once, when it is added.

pub(in crate::http) mod snippets;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::AddedSecret;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{Client, ClientId, IdleExpiry, SecretId};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session};
use crate::http::portal::clients::client::changed;
use crate::http::portal::links::path_of;
use crate::http::portal::page;
use crate::http::portal::page::fields::{NOW, read_lifetime, read_span, read_time};
use crate::http::portal::page::{Layout, When};
use crate::http::portal::secrets::snippets::Snippet;
use crate::http::request::path::InPath;

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
        layout: session.layout("New secret", &path_of(id)),
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
    InPath(id): InPath<ClientId>,
    mut form: Form,
) -> Result<Response> {
    let added = async {
        let chosen = form.take_secret("client_secret");
        let end = read_lifetime(app.clock().now(), &form.take("lifetime"))?;
        let new = app.secrets.new_secret(chosen, end)?;
        // Before it: a failure after it would lose the secret.
        let client = app.clients.find(&id).await?.client;
        let added = app.secrets.add(&session.origin, &id, new).await?;
        Ok((client, added))
    };
    match added.await {
        Ok((client, added)) => Ok(show_added(&app, &session, &client, &added)),
        Err(error) => changed(&app, &session, &id, Err::<(), _>(error), "").await,
    }
}

/// Sets when a secret expires: after a span, at a time, or when the client does not use it any more.
pub(super) async fn expire_secret(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath((id, secret_id)): InPath<(ClientId, SecretId)>,
    mut form: Form,
) -> Result<Response> {
    let (at, lifetime) = (form.take("at"), form.take("lifetime"));
    let (by, secrets) = (&session.origin, &app.secrets);
    let done = async {
        match (at.as_str(), lifetime.strip_prefix("unused:")) {
            ("", Some(span)) => {
                let idle = read_idle_expiry(span)?;
                secrets.set_idle_expiry(by, &id, &secret_id, idle).await
            }
            (at, _) => {
                let end = read_end(app.clock().now(), at, &lifetime)?;
                secrets.expire(by, &id, &secret_id, end).await
            }
        }
    };
    let done = done.await;
    changed(&app, &session, &id, done, "ended").await
}

fn read_idle_expiry(text: &str) -> Result<Option<IdleExpiry>> {
    match text {
        "never" => Ok(None),
        span => Ok(Some(IdleExpiry::from_seconds(read_span(span)?)?)),
    }
}

fn read_end(now: UnixTime, at: &str, lifetime: &str) -> Result<UnixTime> {
    match (at, lifetime) {
        ("", NOW) => Ok(now),
        ("", span) => Ok(now.plus(read_span(span)?)),
        (at, _) => read_time(at),
    }
}

/// Deletes a secret.
pub(super) async fn delete_secret(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath((id, secret_id)): InPath<(ClientId, SecretId)>,
    _form: Form,
) -> Result<Response> {
    let done = app.secrets.delete(&session.origin, &id, &secret_id).await;
    changed(&app, &session, &id, done, "removed").await
}
