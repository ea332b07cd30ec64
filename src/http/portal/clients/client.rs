//! One client: its fields, its usage, and the actions on it.

use askama::Template;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{AuditFilter, AuditPage};
use crate::domain::{
    AdminRole, Audience, AuditEvent, AuthMethod, Client, ClientEffect, ClientId, ClientIdentity,
    ClientKeys, ClientStatus, ClientVersion, ExpectedVersion, IdentityDigest, IdentityUse,
    LastUsed, ManagedBy, QuotaState, UsageCounts, UsageSpan,
};
use crate::http::portal::access::{Form, Operator, PortalRequest, Viewer};
use crate::http::portal::clients::calls::Calls;
use crate::http::portal::clients::form::{ClientForm, field_of, pretty};
use crate::http::portal::clients::questions::ask_delete;
use crate::http::portal::links::{CLIENTS, EXPLAIN, encoded, path_of, see_done};
use crate::http::portal::page::fields::LIFETIMES;
use crate::http::portal::page::{self, Chart, FieldErrors, Layout, charts};
use crate::http::portal::secrets::shown_secrets::{Rotation, ShownSecret};

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

async fn client_page<R, T>(request: &PortalRequest<R, T>, id: &ClientId) -> Result<ClientPage> {
    let (app, path) = (&request.app, path_of(id));
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
    let can_restrict = request.permits(AdminRole::Operator);
    let actor = &request.origin.actor;
    let checked = actor.check_client_write(id, &client.scopes, ClientEffect::Changes);
    let hours = app.usage.list_client_hours(id, 7 * 24).await?;
    let week = hours.first().map_or(now, |it| it.start);
    let exchanges = app.usage.list_exchanges(id, week).await?;
    let was_used = hours.iter().any(|it| it.counts != UsageCounts::default());
    let filter = AuditFilter {
        client_id: Some(id.clone()),
        ..AuditFilter::default()
    };
    let latest = AuditPage::Before(None);
    let events = app.audit.list(&filter, latest, EVENTS).await?;
    let denied = checked.err().filter(|_| can_restrict);
    Ok(ClientPage {
        layout: request.layout(id.as_str(), &path),
        can_restrict,
        can_change: can_restrict && denied.is_none(),
        denied: denied.map(|it| page::sentence(&it.into())),
        path,
        quota: app.tokens.find_quota_state(&client).await?,
        explain: format!("{EXPLAIN}?client_id={}", encoded(id.as_str())),
        audiences: Audience::join(&client.audiences),
        metadata: pretty(client.metadata.as_str()),
        keys: names_of_keys(&client),
        secrets,
        rotation,
        identities,
        takes_secrets: client.authentication.allow_secrets(),
        audit: format!("/admin/audit?client_id={}", encoded(id.as_str())),
        events: events.into_iter().map(|row| row.event).collect(),
        usage: was_used.then(|| charts(UsageSpan::Hour, &hours)),
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

pub(in crate::http::portal) async fn show_client(
    request: PortalRequest<Viewer, ClientId>,
) -> Result<Response> {
    Ok(page::show(&client_page(&request, &request.target).await?))
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
    request: &PortalRequest<Operator, ClientId>,
    typed: Option<(String, ClientForm)>,
) -> Result<EditPage> {
    let (id, path) = (&request.target, path_of(&request.target));
    let client = request.app.clients.find(id).await?.client;
    let current = ClientVersion::from(&client).to_string();
    let (version, form) = typed.unwrap_or_else(|| (current.clone(), ClientForm::of(&client)));
    Ok(EditPage {
        layout: request.layout(format!("Edit {id}"), &path),
        path,
        client_id: id.clone(),
        is_stale: version != current,
        version,
        managed_by: client.managed_by,
        writes_identifiers: request.origin.actor.may_write_identifiers(),
        form,
    })
}

pub(in crate::http::portal) async fn show_edit(
    request: PortalRequest<Operator, ClientId>,
) -> Result<Response> {
    Ok(page::show(&edit_page(&request, None).await?))
}

/// Updates the client, unless somebody else has since the form was shown.
pub(in crate::http::portal) async fn edit(
    request: PortalRequest<Operator, ClientId>,
    mut form: Form,
) -> Result<Response> {
    let (by, id) = (&request.origin, &request.target);
    let version = form.need("version")?;
    let fields = ClientForm::read(&mut form);
    let mut errors = FieldErrors::default();
    let saved = async {
        let expected = ExpectedVersion::OneOf(vec![ClientVersion::parse(&version)?]);
        let changes = fields.changes(&mut errors)?;
        let changes = errors.finish(changes)?;
        request.app.clients.update(by, id, &expected, changes).await
    };
    let Err(error) = saved.await else {
        return Ok(see_done(&path_of(id), "saved"));
    };
    let page = edit_page(&request, Some((version, fields)));
    match field_of(&error) {
        Some(field) => page::again_at(field, error, page).await,
        None => page::again_with(errors, error, page).await,
    }
}

/// Enables or disables the client.
pub(in crate::http::portal) async fn set_status(
    request: PortalRequest<Operator, ClientId>,
    mut form: Form,
) -> Result<Response> {
    let (by, id) = (&request.origin, &request.target);
    let status = ClientStatus::parse(&form.need("status")?)?;
    let done = request.app.clients.set_status(by, id, status).await;
    changed(&request, id, done, status.as_str()).await
}

/// Revokes every token that was issued to the client before now.
pub(in crate::http::portal) async fn revoke_tokens(
    request: PortalRequest<Operator, ClientId>,
    _form: Form,
) -> Result<Response> {
    let (by, id) = (&request.origin, &request.target);
    let done = request.app.tokens.revoke_client(by, id).await;
    changed(&request, id, done, "revoked").await
}

/// Detaches the client from the manifest that manages it.
pub(in crate::http::portal) async fn detach(
    request: PortalRequest<Operator, ClientId>,
    _form: Form,
) -> Result<Response> {
    let (by, id) = (&request.origin, &request.target);
    let done = request.app.clients.detach(by, id).await;
    changed(&request, id, done, "released").await
}

/// Deletes the client, whose ID has to be typed.
pub(in crate::http::portal) async fn delete(
    request: PortalRequest<Operator, ClientId>,
    mut form: Form,
) -> Result<Response> {
    let (by, id) = (&request.origin, &request.target);
    if let Err(error) = form.confirm(id.as_str()) {
        return ask_delete(request).await?.again_at("typed", error).await;
    }
    let clients = &request.app.clients;
    let done = clients.delete(by, id, &ExpectedVersion::Any).await;
    page::after(done, CLIENTS, "deleted", client_page(&request, id)).await
}

/// Redirects to the client's page, or shows it with the error.
pub(in crate::http::portal) async fn changed<T, D>(
    request: &PortalRequest<Operator, T>,
    id: &ClientId,
    done: Result<D>,
    word: &str,
) -> Result<Response> {
    page::after(done, &path_of(id), word, client_page(request, id)).await
}
