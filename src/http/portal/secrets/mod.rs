//! The secrets of a client: one is added, expires, is deleted. A secret is shown once, when it is added. What is asked before
//! one expires or is deleted says whether anything uses it.

mod languages;
pub(in crate::http) mod rotate;
pub(in crate::http) mod shown_secrets;
pub(in crate::http) mod snippets;

pub(in crate::http::portal) use languages::in_php;

use askama::Template;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::app::AddedSecret;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::base::secret::Secret;
use crate::domain::{ClientEffect, ClientId, ClientSecret, IdleExpiry, SecretAdvice, SecretId};
use crate::http::AppState;
use crate::http::portal::access::{Form, Operator, PortalRequest, Shown, sealable};
use crate::http::portal::clients::client::changed;
use crate::http::portal::clients::questions::find;
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page::fields::{
    NOW, SHORT_LIFETIMES, read_lifetime, read_span, read_time,
};
use crate::http::portal::page::{self, Layout, Question};
use crate::http::portal::secrets::snippets::Snippet;

/// How people tell a secret from others.
fn name_of(secret: &ClientSecret) -> String {
    if secret.hint.is_empty() {
        secret.secret_id.to_string()
    } else {
        format!("…{}", secret.hint)
    }
}

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
        sealable(&Self {
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
    request: PortalRequest<Operator, ClientId>,
    Shown(made): Shown<Made>,
) -> Result<Response> {
    let (app, id) = (&request.app, &request.target);
    let client = app.clients.find(id).await?.client;
    let made = made.filter(|it| it.client_id == *id);
    let made = made.and_then(|it| it.secret);
    let constraint = client.sender_constraint;
    let issuer = app.keys.current().issuer().to_string();
    let plain = made.as_ref().map_or("", |it| it.client_secret.as_str());
    let mut programs = snippets::of(&issuer, &client, plain);
    programs.extend(trust_in_development(app));
    let path = path_of(id);
    Ok(page::show(&NewSecretPage {
        layout: request.layout("New secret", &path),
        path,
        env: snippets::env(&issuer, &client, plain),
        is_bound: constraint.dpop_bound_access_tokens
            || constraint.tls_client_certificate_bound_access_tokens,
        snippets: programs,
        client_id: request.target,
        made,
    }))
}

/// In development, what makes programs trust the certificate that the server made, which is its own CA.
pub(in crate::http::portal) fn trust_in_development(app: &AppState) -> Option<Snippet> {
    let config = app.config();
    let path = std::path::absolute(&config.tls.cert).ok()?;
    let trust = || snippets::trust(&path.display().to_string());
    config.development.then(trust)
}

/// Adds a secret, and redirects to the page that shows it once.
pub(super) async fn add_secret(
    request: PortalRequest<Operator, ClientId>,
    mut form: Form,
) -> Result<Response> {
    let (app, id) = (&request.app, &request.target);
    let submission = form.submission();
    let added = async {
        let chosen = form.take_secret("client_secret");
        let end = read_lifetime(app.clock().now(), &form.take("lifetime"))?;
        let new = app.secrets.new_secret(chosen, end)?;
        let (by, key) = (&request.origin, submission.key(&request));
        let seal = |added: &AddedSecret| Made::seal(id, Some(added));
        app.secrets.add_once(by, id, new, Some(&key), seal).await
    };
    match added.await {
        Ok(_) => Ok(submission.see(&path_of_new(id))),
        Err(error) => changed(&request, id, Err::<(), _>(error), "").await,
    }
}

type SecretPath = (ClientId, SecretId);

/// A question about a secret, with what is known of its use.
async fn question(
    request: &PortalRequest<Operator, SecretPath>,
    verb: &'static str,
    action: &str,
) -> Result<Question> {
    let (id, secret_id) = &request.target;
    let record = find(request, id, ClientEffect::Changes).await?;
    let secret = record.secrets.iter().find(|it| it.secret_id == *secret_id);
    let secret =
        secret.ok_or_else(|| Error::not_found(format!("secret `{secret_id}` of client `{id}`")))?;
    let uses = request.app.usage.find_of_client(id).await?;
    let advice = SecretAdvice::new(secret, &record, &uses, request.app.clock().now());
    let asked = format!("{verb} {}?", name_of(secret));
    let action = format!("secrets/{secret_id}/{action}");
    Ok(Question::new(request, asked, verb, &path_of(id), &action).fact(advice.sentence))
}

pub(super) async fn ask_expire(request: PortalRequest<Operator, SecretPath>) -> Result<Question> {
    let question = question(&request, "Expire secret", "end").await?;
    Ok(question
        .choice("Expires", "lifetime", SHORT_LIFETIMES, "24h")
        .moment("or at this time (UTC)"))
}

/// Sets when a secret expires: after a span, at a time, or when the client does not use it any more.
pub(super) async fn expire_secret(
    request: PortalRequest<Operator, SecretPath>,
    mut form: Form,
) -> Result<Response> {
    let (app, by) = (&request.app, &request.origin);
    let (id, secret_id) = &request.target;
    let (at, lifetime) = (form.take("at"), form.take("lifetime"));
    let done = async {
        match (at.as_str(), lifetime.strip_prefix("unused:")) {
            ("", Some(span)) => {
                let idle = read_idle_expiry(span)?;
                app.secrets.set_idle_expiry(by, id, secret_id, idle).await
            }
            (at, _) => {
                let end = read_end(app.clock().now(), at, &lifetime)?;
                app.secrets.expire(by, id, secret_id, end).await
            }
        }
    };
    match done.await {
        Ok(()) => Ok(see_done(&path_of(id), "ended")),
        Err(error) => {
            let field = if at.is_empty() { "lifetime" } else { "at" };
            ask_expire(request).await?.again_at(field, error).await
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

pub(super) async fn ask_delete(request: PortalRequest<Operator, SecretPath>) -> Result<Question> {
    let question = question(&request, "Delete secret", "remove").await?;
    Ok(question
        .fact("It stops working at once, and nobody can undo this. Tokens issued with it stay active until they expire."))
}

pub(super) async fn delete_secret(
    request: PortalRequest<Operator, SecretPath>,
    _form: Form,
) -> Result<Response> {
    let (by, (id, secret_id)) = (&request.origin, &request.target);
    let done = request.app.secrets.delete(by, id, secret_id).await;
    changed(&request, id, done, "removed").await
}
