//! The secrets of a client: one is added, expires, is deleted. A secret is shown once, when it is added.

mod languages;
pub(in crate::http) mod questions;
pub(in crate::http) mod rotate;
pub(in crate::http) mod shown_secrets;
pub(in crate::http) mod snippets;

pub(in crate::http::portal) use languages::in_php;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::app::AddedSecret;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::base::secret::Secret;
use crate::domain::{Client, ClientId, IdleExpiry, SecretId};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session};
use crate::http::portal::access::submission;
use crate::http::portal::access::submission::Shown;
use crate::http::portal::clients::client::changed;
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page;
use crate::http::portal::page::fields::{NOW, read_lifetime, read_span, read_time};
use crate::http::portal::page::{Layout, When};
use crate::http::portal::secrets::snippets::Snippet;
use crate::http::request::path::InPath;

/// A secret that a form made, until it is shown.
#[derive(Serialize, Deserialize)]
pub(super) struct MadeSecret {
    client_secret: String,
    secret_id: SecretId,
    expires_at: Option<UnixTime>,
}

/// A client that a form created, or that has another secret now.
#[derive(Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) client_id: ClientId,
    /// `None`: the client needs none.
    pub(super) secret: Option<MadeSecret>,
}

impl Made {
    /// The value to be sealed.
    pub(super) fn seal(id: &ClientId, added: Option<&AddedSecret>) -> Result<Secret<String>> {
        submission::sealable(&Self {
            client_id: id.clone(),
            secret: added.map(|added| MadeSecret {
                client_secret: added.plain.expose().clone(),
                secret_id: added.secret.secret_id.clone(),
                expires_at: added.secret.expires_at,
            }),
        })
    }
}

#[derive(Template)]
#[template(path = "secrets/client_secret.html")]
struct NewSecretPage {
    layout: Layout,
    path: String,
    client_id: ClientId,
    /// `None`: it was shown before.
    made: Option<MadeSecret>,
    env: String,
    is_bound: bool,
    snippets: Vec<Snippet>,
}

/// The page that shows a new secret of this client.
pub(super) fn path_of_new(id: &ClientId) -> String {
    format!("{}/new-secret", path_of(id))
}

/// Shows a new secret, once.
pub(super) async fn show_new_secret(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    Shown(made): Shown<Made>,
) -> Result<Response> {
    let client = app.clients.find(&id).await?.client;
    let made = made.filter(|it| it.client_id == id);
    let made = made.and_then(|it| it.secret);
    let constraint = client.sender_constraint;
    let issuer = app.keys.current().issuer().to_string();
    let plain = made.as_ref().map_or("", |it| it.client_secret.as_str());
    Ok(page::show(&NewSecretPage {
        layout: session.layout("New secret", &path_of(&id)),
        path: path_of(&id),
        env: snippets::env(&issuer, &client, plain),
        is_bound: constraint.dpop_bound_access_tokens
            || constraint.tls_client_certificate_bound_access_tokens,
        snippets: programs(&app, &client, plain),
        client_id: id,
        made,
    }))
}

/// The programs that get a token; in development, after what makes them trust the server's own certificate.
fn programs(app: &AppState, client: &Client, plain: &str) -> Vec<Snippet> {
    let issuer = app.keys.current().issuer().to_string();
    let mut programs = snippets::of(&issuer, client, plain);
    programs.extend(development_ca(app).map(|ca| snippets::trust(&ca)));
    programs
}

/// In development, the absolute path of the certificate that the server made, which is its own CA.
pub(in crate::http::portal) fn development_ca(app: &AppState) -> Option<String> {
    let config = app.config();
    let path = std::path::absolute(&config.tls.cert).ok()?;
    config.development.then(|| path.display().to_string())
}

/// Adds a secret, and redirects to the page that shows it once.
pub(super) async fn add_secret(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    mut form: Form,
) -> Result<Response> {
    let submission = form.submission();
    let added = async {
        let chosen = form.take_secret("client_secret");
        let end = read_lifetime(app.clock().now(), &form.take("lifetime"))?;
        let new = app.secrets.new_secret(chosen, end)?;
        let (by, key) = (&session.origin, submission.key(&session));
        let seal = |added: &AddedSecret| Made::seal(&id, Some(added));
        app.secrets.add_once(by, &id, new, Some(&key), seal).await
    };
    match added.await {
        Ok(_) => Ok(submission.see(&path_of_new(&id))),
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
    match done.await {
        Ok(()) => Ok(see_done(&path_of(&id), "ended")),
        Err(error) => {
            let question = questions::expiry(&app, &session, &(id, secret_id)).await?;
            let field = if at.is_empty() { "lifetime" } else { "at" };
            question.again_at(field, error).await
        }
    }
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
