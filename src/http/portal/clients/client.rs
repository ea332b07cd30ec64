//! One client: what is registered, who used it, and all that can be done to it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::domain::{
    AdminRole, Audience, Client, ClientEffect, ClientId, ClientKeys, ClientSecret, ClientStatus,
    ClientVersion, ExpectedVersion, IdleExpiry, LastUsed, ManagedBy, QuotaState, SecretAdvice,
    UsageCounts,
};
use crate::http::portal::access::form::Form;
use crate::http::portal::access::guard::see;
use crate::http::portal::access::session::{Operator, Session, Viewer};
use crate::http::portal::clients::form::{ClientForm, pretty};
use crate::http::portal::clients::list::{PATH, encoded, path_of};
use crate::http::portal::page;
use crate::http::portal::page::chart::{Axis, Chart};
use crate::http::portal::page::{Layout, When};
use crate::http::portal::secrets::{LIFETIMES, Lifetime, SHORT_LIFETIMES};
use crate::http::portal::tokens::explain;
use crate::http::portal::usage::dashboard::charts;
use crate::http::{AppState, Params};

const WEEK: Axis = Axis {
    column: "an hour",
    begins: "7 days ago",
    ends: "now",
};

const DONE: &[(&str, &str)] = &[
    ("created", "The client is registered."),
    ("saved", "The changes are saved."),
    ("enabled", "The client may have tokens again."),
    ("disabled", "The client has no more tokens, and gets none."),
    ("revoked", "All tokens that it had are revoked."),
    ("released", "No file keeps the client any more."),
    ("ended", "The end of the secret is set."),
    ("removed", "The secret is removed."),
];

#[derive(Template)]
#[template(path = "clients/client.html")]
struct ClientPage {
    layout: Layout,
    error: Option<String>,
    /// Whether the admin may disable it and revoke its tokens.
    can_restrict: bool,
    can_change: bool,
    /// Why an admin who may change other clients may not change this one.
    denied: Option<String>,
    path: String,
    explain: String,
    quota: Option<QuotaState>,
    client: Client,
    audiences: String,
    metadata: String,
    keys: String,
    secrets: Vec<ShownSecret>,
    takes_secrets: bool,
    /// Nothing: it did nothing.
    usage: Option<[Chart; 3]>,
    last: Option<LastUsed>,
    lifetimes: &'static [Lifetime],
    short_lifetimes: &'static [Lifetime],
    min_secret_length: usize,
}

/// A secret on the page of its client.
struct ShownSecret {
    secret: ClientSecret,
    is_live: bool,
    last: Option<LastUsed>,
    uses_24h: u64,
    unused_for: Option<IdleExpiry>,
    advice: SecretAdvice,
}

async fn client_page<R>(
    app: &AppState,
    session: &Session<R>,
    id: &ClientId,
    error: Option<String>,
) -> Result<ClientPage> {
    let record = app.clients.find(id).await?;
    let uses = app.usage.find_of_client(id).await?;
    let now = app.clock().now();
    let shown = |secret: &ClientSecret| {
        let last = uses.of_secret(&secret.secret_id);
        ShownSecret {
            secret: secret.clone(),
            is_live: secret.expires_at.is_none_or(|end| end > now),
            last: last.map(|it| it.last),
            uses_24h: last.map_or(0, |it| it.uses_24h),
            unused_for: secret.unused_for,
            advice: SecretAdvice::new(secret, &record.secrets, &uses, now),
        }
    };
    let secrets: Vec<ShownSecret> = record.secrets.iter().map(shown).collect();
    let client = record.client;
    let can_restrict = session.permits(AdminRole::Operator);
    let actor = &session.origin.actor;
    let checked = actor.check_client_write(id, &client.scopes, ClientEffect::Changes);
    let path = path_of(id);
    let hours = app.usage.list_client_hours(id, 7 * 24).await?;
    let did_something = hours.iter().any(|it| it.counts != UsageCounts::default());
    let ids = ["issued-hours", "verified-hours", "refused-hours"];
    Ok(ClientPage {
        layout: Layout::new(id.as_str(), &path, Some(session)),
        error,
        can_restrict,
        can_change: can_restrict && checked.is_ok(),
        denied: checked
            .err()
            .filter(|_| can_restrict)
            .map(|it| page::sentence(&it.into())),
        path,
        quota: app.tokens.find_quota_state(&client).await?,
        explain: format!("{}?client_id={}", explain::PATH, encoded(id.as_str())),
        audiences: Audience::join(&client.audiences),
        metadata: pretty(client.metadata.as_str()),
        keys: keys_in_words(&client),
        secrets,
        takes_secrets: client.authentication.allow_secrets(),
        usage: did_something.then(|| charts(ids, WEEK, &hours)),
        last: uses.last,
        lifetimes: LIFETIMES,
        short_lifetimes: SHORT_LIFETIMES,
        min_secret_length: app.config().secrets.min_length,
        client,
    })
}

fn keys_in_words(client: &Client) -> String {
    match &client.authentication.keys {
        None => String::new(),
        Some(ClientKeys::Uri(uri)) => uri.to_string(),
        Some(ClientKeys::Inline(set)) => {
            let names = set.keys().iter();
            let names = names.map(|jwk| jwk.kid.as_deref().unwrap_or("(no kid)"));
            names.collect::<Vec<_>>().join(" ")
        }
    }
}

/// The client, and what can be done.
pub(in crate::http::portal) async fn show_client(
    State(app): State<AppState>,
    session: Session<Viewer>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response> {
    let id = ClientId::parse(&id)?;
    let done = Params::from_query(&uri)?.take("done");
    let mut page = client_page(&app, &session, &id, None).await?;
    page.layout = page.layout.with_done(done.as_deref(), DONE);
    Ok(page::show(&page))
}

#[derive(Template)]
#[template(path = "clients/client_edit.html")]
struct EditPage {
    layout: Layout,
    error: Option<String>,
    path: String,
    client_id: ClientId,
    version: String,
    is_stale: bool,
    managed_by: Option<ManagedBy>,
    form: ClientForm,
}

/// A form of what is registered.
pub(in crate::http::portal) async fn show_edit(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = ClientId::parse(&id)?;
    let client = app.clients.find(&id).await?.client;
    Ok(page::show(&EditPage {
        layout: Layout::new(format!("Change {id}"), &path_of(&id), Some(&session)),
        error: None,
        path: path_of(&id),
        version: ClientVersion::from(&client).to_string(),
        is_stale: false,
        managed_by: client.managed_by.clone(),
        form: ClientForm::of(&client),
        client_id: id,
    }))
}

/// Changes the client, unless somebody else has since the form was made.
pub(in crate::http::portal) async fn edit(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let id = ClientId::parse(&id)?;
    let version = form.need("version")?;
    let fields = ClientForm::read(&mut form);
    let saved = async {
        let expected = ExpectedVersion::OneOf(vec![ClientVersion::parse(&version)?]);
        let changes = fields.changes()?;
        app.clients
            .update(&session.origin, &id, &expected, changes)
            .await
    };
    let Err(error) = saved.await else {
        return Ok(see(&format!("{}?done=saved", path_of(&id))));
    };
    let error = page::mendable(error)?;
    let page = EditPage {
        layout: Layout::new(format!("Change {id}"), &path_of(&id), Some(&session)),
        error: Some(page::sentence(&error)),
        path: path_of(&id),
        version,
        is_stale: error.code == crate::domain::ErrorCode::PreconditionFailed,
        managed_by: app.clients.find(&id).await?.client.managed_by,
        form: fields,
        client_id: id,
    };
    Ok(page::show_again(&page, error))
}

/// Lets the client have tokens, or no more.
pub(in crate::http::portal) async fn set_status(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let id = ClientId::parse(&id)?;
    let status = ClientStatus::parse(&form.need("status")?)?;
    let done = app.clients.set_status(&session.origin, &id, status).await;
    changed(&app, &session, &id, done, status.as_str()).await
}

/// Revokes all that the client was issued before now.
pub(in crate::http::portal) async fn revoke_tokens(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response> {
    let id = ClientId::parse(&id)?;
    let done = app.tokens.revoke_client(&session.origin, &id).await;
    changed(&app, &session, &id, done, "revoked").await
}

/// Lets no file keep the client any more.
pub(in crate::http::portal) async fn release(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response> {
    let id = ClientId::parse(&id)?;
    let done = app.clients.detach(&session.origin, &id).await;
    changed(&app, &session, &id, done.map(drop), "released").await
}

/// Removes the client, whose id has to be typed.
pub(in crate::http::portal) async fn delete(
    State(app): State<AppState>,
    session: Session<Operator>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let id = ClientId::parse(&id)?;
    if form.take("typed").trim() == id.as_str() {
        app.clients
            .delete(&session.origin, &id, &ExpectedVersion::Any)
            .await?;
        return Ok(see(&format!("{PATH}?done=deleted")));
    }
    let refused = Err(Error::invalid_request(
        "the id that was typed is another one",
    ));
    changed(&app, &session, &id, refused, "").await
}

/// Back to the client, with a word about what was done or why not.
pub(in crate::http::portal) async fn changed(
    app: &AppState,
    session: &Session<Operator>,
    id: &ClientId,
    done: Result<()>,
    word: &str,
) -> Result<Response> {
    let Err(error) = done else {
        return Ok(see(&format!("{}?done={word}", path_of(id))));
    };
    let error = page::mendable(error)?;
    let told = Some(page::sentence(&error));
    let page = client_page(app, session, id, told).await?;
    Ok(page::show_again(&page, error))
}
