//! One client: its fields, its usage, and the actions on it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{AuditFilter, AuditPage};
use crate::domain::{
    AdminRole, Audience, AuditEvent, Client, ClientEffect, ClientId, ClientIdentity, ClientKeys,
    ClientStatus, ClientVersion, ExpectedVersion, IdentityDigest, IdentityUse, LastUsed, ManagedBy,
    QuotaState, UsageCounts, UsageSpan,
};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session, Viewer};
use crate::http::portal::clients::calls::Calls;
use crate::http::portal::clients::form::{
    ADVANCED_FIELDS, ClientForm, IDENTITY_FIELDS, KEY_FIELDS, TOKEN_TYPS, field_of, pretty,
};
use crate::http::portal::clients::questions;
use crate::http::portal::links::{CLIENTS, EXPLAIN, encoded, path_of, see_done};
use crate::http::portal::page;
use crate::http::portal::page::chart::{Axis, Chart};
use crate::http::portal::page::field_errors::FieldErrors;
use crate::http::portal::page::fields::LIFETIMES;
use crate::http::portal::page::{Layout, When};
use crate::http::portal::secrets::shown_secrets::{Rotation, ShownSecret};
use crate::http::portal::usage::charts::charts;
use crate::http::request::path::InPath;

const WEEK: Axis = Axis {
    name: "hours",
    span: UsageSpan::Hour,
};

/// Changes that the page shows; the audit trail has all.
const EVENTS: u32 = 10;

#[derive(Template)]
#[template(path = "clients/client.html")]
struct ClientPage {
    layout: Layout,
    /// Whether the admin may disable it and revoke its tokens.
    can_restrict: bool,
    can_change: bool,
    /// Why an admin who may change other clients may not change this one.
    denied: Option<String>,
    path: String,
    explain: String,
    audit: String,
    /// The last changes, the newest first.
    events: Vec<AuditEvent>,
    quota: Option<QuotaState>,
    client: Client,
    audiences: String,
    metadata: String,
    keys: String,
    secrets: Vec<ShownSecret>,
    rotation: Option<Rotation>,
    takes_secrets: bool,
    identities: Vec<ShownIdentity>,
    /// `None`: no usage in these days.
    usage: Option<[Chart; 3]>,
    last: Option<LastUsed>,
    /// `None`: it exchanges no tokens.
    calls: Option<Calls>,
    min_secret_length: usize,
}

page::pages!(ClientPage, EditPage);

impl ClientPage {
    /// Whether there is a secret to replace.
    fn can_rotate(&self) -> bool {
        self.takes_secrets && self.secrets.iter().any(|it| it.is_live)
    }
}

/// An identity on the page of its client.
struct ShownIdentity {
    identity: ClientIdentity,
    digest: IdentityDigest,
    used: Option<IdentityUse>,
}

async fn client_page<R>(app: &AppState, session: &Session<R>, id: &ClientId) -> Result<ClientPage> {
    let record = app.clients.find(id).await?;
    let uses = app.usage.find_of_client(id).await?;
    let now = app.clock().now();
    let secrets = ShownSecret::all(&record, &uses, now);
    let rotation = Rotation::of(&record, &uses, now);
    let client = record.client;
    let shown = |identity: &ClientIdentity| ShownIdentity {
        identity: identity.clone(),
        digest: IdentityDigest::of(identity),
        used: uses.of_identity(identity).cloned(),
    };
    let identities = client.authentication.identities.iter().map(shown).collect();
    let can_restrict = session.permits(AdminRole::Operator);
    let actor = &session.origin.actor;
    let checked = actor.check_client_write(id, &client.scopes, ClientEffect::Changes);
    let path = path_of(id);
    let hours = app.usage.list_client_hours(id, 7 * 24).await?;
    let week = hours.first().map_or(now, |it| it.start);
    let exchanges = app.usage.list_exchanges(id, week).await?;
    let was_used = hours.iter().any(|it| it.counts != UsageCounts::default());
    let filter = AuditFilter {
        client_id: Some(id.clone()),
        ..AuditFilter::default()
    };
    let events = app
        .audit
        .list(&filter, AuditPage::Before(None), EVENTS)
        .await?;
    let takes_secrets = client.authentication.allow_secrets();
    Ok(ClientPage {
        layout: session.layout(id.as_str(), &path),
        can_restrict,
        can_change: can_restrict && checked.is_ok(),
        denied: checked
            .err()
            .filter(|_| can_restrict)
            .map(|it| page::sentence(&it.into())),
        path,
        quota: app.tokens.find_quota_state(&client).await?,
        explain: format!("{EXPLAIN}?client_id={}", encoded(id.as_str())),
        audiences: Audience::join(&client.audiences),
        metadata: pretty(client.metadata.as_str()),
        keys: names_of_keys(&client),
        secrets,
        rotation,
        identities,
        takes_secrets,
        audit: format!("/admin/audit?client_id={}", encoded(id.as_str())),
        events: events.into_iter().map(|row| row.event).collect(),
        usage: was_used.then(|| charts(WEEK, &hours)),
        last: uses.last,
        calls: Calls::of(&client, &exchanges),
        min_secret_length: app.config().secrets.min_length,
        client,
    })
}

fn names_of_keys(client: &Client) -> String {
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

/// Shows the client, and the actions on it.
pub(in crate::http::portal) async fn show_client(
    State(app): State<AppState>,
    session: Session<Viewer>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    Ok(page::show(&client_page(&app, &session, &id).await?))
}

#[derive(Template)]
#[template(path = "clients/client_edit.html")]
struct EditPage {
    layout: Layout,
    path: String,
    client_id: ClientId,
    /// The version of the client that the form shows.
    version: String,
    is_stale: bool,
    managed_by: Option<ManagedBy>,
    writes_identifiers: bool,
    form: ClientForm,
}

/// The form of the client as it is, or as it was typed over a version of the client.
async fn edit_page(
    app: &AppState,
    session: &Session<Operator>,
    id: &ClientId,
    typed: Option<(String, ClientForm)>,
) -> Result<EditPage> {
    let client = app.clients.find(id).await?.client;
    let current = ClientVersion::from(&client).to_string();
    let (version, form) = typed.unwrap_or_else(|| (current.clone(), ClientForm::of(&client)));
    Ok(EditPage {
        layout: session.layout(format!("Edit {id}"), &path_of(id)),
        path: path_of(id),
        client_id: id.clone(),
        is_stale: version != current,
        version,
        managed_by: client.managed_by,
        writes_identifiers: session.origin.actor.may_write_identifiers(),
        form,
    })
}

/// Shows the form of the client.
pub(in crate::http::portal) async fn show_edit(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    Ok(page::show(&edit_page(&app, &session, &id, None).await?))
}

/// Updates the client, unless somebody else has since the form was shown.
pub(in crate::http::portal) async fn edit(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    mut form: Form,
) -> Result<Response> {
    let version = form.need("version")?;
    let fields = ClientForm::read(&mut form);
    let mut errors = FieldErrors::default();
    let saved = async {
        let expected = ExpectedVersion::OneOf(vec![ClientVersion::parse(&version)?]);
        let changes = fields.changes(&mut errors)?;
        let (by, changes) = (&session.origin, errors.finish(changes)?);
        app.clients.update(by, &id, &expected, changes).await
    };
    let Err(error) = saved.await else {
        return Ok(see_done(&path_of(&id), "saved"));
    };
    let page = edit_page(&app, &session, &id, Some((version, fields)));
    match field_of(&error) {
        Some(field) => page::again_at(field, error, page).await,
        None => page::again_with(errors, error, page).await,
    }
}

/// Enables or disables the client.
pub(in crate::http::portal) async fn set_status(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    mut form: Form,
) -> Result<Response> {
    let status = ClientStatus::parse(&form.need("status")?)?;
    let done = app.clients.set_status(&session.origin, &id, status).await;
    changed(&app, &session, &id, done, status.as_str()).await
}

/// Revokes every token that was issued to the client before now.
pub(in crate::http::portal) async fn revoke_tokens(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    _form: Form,
) -> Result<Response> {
    let done = app.tokens.revoke_client(&session.origin, &id).await;
    changed(&app, &session, &id, done, "revoked").await
}

/// Detaches the client from the manifest that manages it.
pub(in crate::http::portal) async fn detach(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    _form: Form,
) -> Result<Response> {
    let done = app.clients.detach(&session.origin, &id).await;
    changed(&app, &session, &id, done, "released").await
}

/// Deletes the client, whose ID has to be typed.
pub(in crate::http::portal) async fn delete(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    mut form: Form,
) -> Result<Response> {
    let by = &session.origin;
    if let Err(error) = form.confirm(id.as_str()) {
        let question = questions::deletion(&app, &session, &id).await?;
        return question.again_at("typed", error).await;
    }
    let page = client_page(&app, &session, &id);
    let done = app.clients.delete(by, &id, &ExpectedVersion::Any).await;
    page::after(done, CLIENTS, "deleted", page).await
}

/// Redirects to the client's page, or shows it with the error.
pub(in crate::http::portal) async fn changed<T>(
    app: &AppState,
    session: &Session<Operator>,
    id: &ClientId,
    done: Result<T>,
    word: &str,
) -> Result<Response> {
    page::after(done, &path_of(id), word, client_page(app, session, id)).await
}
