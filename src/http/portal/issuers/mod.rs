//! Trusted issuers: their state, the clients that have an identity at them, and what an owner does with one. A question before
//! it says what disabling and deleting end. And the identities of a client.

pub(in crate::http::portal) mod form;
pub(in crate::http::portal) mod identities;
mod typed;

use askama::Template;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{IssuerCheck, IssuerMetrics, ListedIssuer, issuer_lines};
use crate::domain::{
    AdminRole, ClientId, ClientIdentity, ErrorCode, IdentityUse, IssuerName, IssuerStatus,
};
use crate::http::AppState;
use crate::http::portal::access::{Form, Owner, PortalRequest, Viewer};
use crate::http::portal::links::{encoded, path_of, see, see_done};
use crate::http::portal::page::{self, Layout, Question};

const PATH: &str = "/admin/issuers";

/// Clients that a page of an issuer shows.
const SHOWN: u32 = 100;

/// An issuer, and what is known of its keys here.
struct Row {
    listed: ListedIssuer,
    metrics: Option<IssuerMetrics>,
}

#[derive(Template)]
#[template(path = "issuers/issuers.html")]
struct IssuersPage {
    layout: Layout,
    can_change: bool,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "issuers/issuer.html")]
struct IssuerPage {
    layout: Layout,
    can_change: bool,
    path: String,
    /// Of how many clients the tokens were just revoked.
    revoked: Option<u64>,
    row: Row,
    lines: Vec<(String, String)>,
    clients: Vec<Named>,
}

#[derive(Template)]
#[template(path = "issuers/issuer_check.html")]
struct CheckPage {
    layout: Layout,
    check: IssuerCheck,
    path: String,
}

page::pages!(IssuerPage);

/// An identity of a client at the issuer.
struct Named {
    client_id: ClientId,
    identity: ClientIdentity,
    used: Option<IdentityUse>,
}

fn row(listed: ListedIssuer, metrics: &[IssuerMetrics]) -> Row {
    let of = |it: &&IssuerMetrics| it.name == listed.issuer.name;
    let metrics = metrics.iter().find(of).cloned();
    Row { listed, metrics }
}

pub(super) async fn show_issuers(request: PortalRequest<Viewer>) -> Result<Response> {
    let issuers = &request.app.issuers;
    let metrics = issuers.metrics();
    let listed = issuers.list().await?.into_iter();
    Ok(page::show(&IssuersPage {
        layout: request.layout("Trusted issuers", PATH),
        can_change: request.permits(AdminRole::Owner),
        rows: listed.map(|listed| row(listed, &metrics)).collect(),
    }))
}

/// Shows an issuer with its first clients.
pub(super) async fn show_issuer(
    mut request: PortalRequest<Viewer, IssuerName>,
) -> Result<Response> {
    let revoked = request.query.take("revoked");
    let mut page = issuer_page(&request).await?;
    page.revoked = revoked.and_then(|count| count.parse().ok());
    Ok(page::show(&page))
}

async fn issuer_page<R>(request: &PortalRequest<R, IssuerName>) -> Result<IssuerPage> {
    let (app, name) = (&request.app, &request.target);
    let listed = app.issuers.find(name).await?;
    let mut clients = Vec::new();
    for id in app.issuers.list_clients(name, SHOWN).await? {
        clients.extend(identities_at(app, name, &id).await?);
    }
    Ok(IssuerPage {
        layout: request.layout(name.as_str(), PATH),
        can_change: request.permits(AdminRole::Owner),
        path: path_of_issuer(name),
        revoked: None,
        lines: issuer_lines(&listed.issuer),
        row: row(listed, &app.issuers.metrics()),
        clients,
    })
}

async fn identities_at(app: &AppState, name: &IssuerName, id: &ClientId) -> Result<Vec<Named>> {
    let client = match app.clients.find(id).await {
        Ok(record) => record.client,
        // Deleted since.
        Err(error) if error.code == ErrorCode::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let uses = app.usage.find_of_client(id).await?;
    let identities = client.authentication.identities.iter();
    let here = identities.filter(|it| it.issuer() == name);
    let named = here.map(|identity| Named {
        client_id: id.clone(),
        identity: identity.clone(),
        used: uses.of_identity(identity).cloned(),
    });
    Ok(named.collect())
}

/// The page of an issuer.
fn path_of_issuer(name: &IssuerName) -> String {
    format!("{PATH}/{}", encoded(name.as_str()))
}

pub(super) async fn ask_disable(request: PortalRequest<Owner, IssuerName>) -> Result<Question> {
    let name = &request.target;
    let clients = request.app.issuers.find(name).await?.clients;
    let (asked, path) = (format!("Disable {name}?"), path_of_issuer(name));
    let question = Question::new(&request, asked, "Disable issuer", &path, "disable");
    let question = if clients == 0 {
        question.fact("No client has an identity at this issuer.")
    } else {
        let fact = format!(
            "{clients} client(s) have an identity at this issuer, and can no longer log in through it."
        );
        let label = "Also revoke all tokens of these clients, whichever way they got them";
        question.fact(fact).tick("revoke_tokens", label)
    };
    Ok(question.fact("The issuer and the identities stay, and can be enabled again."))
}

/// Lets no client log in through an issuer; where that is asked for, also revokes the tokens of its clients.
pub(super) async fn disable(
    request: PortalRequest<Owner, IssuerName>,
    mut form: Form,
) -> Result<Response> {
    let (issuers, by, name) = (&request.app.issuers, &request.origin, &request.target);
    let path = path_of_issuer(name);
    let done = if form.is_ticked("revoke_tokens") {
        let revoked = issuers.disable_and_revoke(by, name).await;
        revoked.map(|it| see(&format!("{path}?revoked={}", it.revoked_clients)))
    } else {
        let disabled = issuers.set_status(by, name, IssuerStatus::Disabled);
        disabled.await.map(|_| see_done(&path, "disabled"))
    };
    match done {
        Ok(redirect) => Ok(redirect),
        Err(error) => page::again(error, ask_disable(request)).await,
    }
}

/// Enables an issuer: clients can log in through it again.
pub(super) async fn enable(
    request: PortalRequest<Owner, IssuerName>,
    _form: Form,
) -> Result<Response> {
    let (issuers, by, name) = (&request.app.issuers, &request.origin, &request.target);
    let enabled = issuers.set_status(by, name, IssuerStatus::Enabled).await;
    let page = issuer_page(&request);
    page::after(enabled, &path_of_issuer(name), "enabled", page).await
}

pub(super) async fn ask_delete(request: PortalRequest<Owner, IssuerName>) -> Result<Question> {
    let name = &request.target;
    let clients = request.app.issuers.find(name).await?.clients;
    let (asked, path) = (format!("Delete {name}?"), path_of_issuer(name));
    let question = Question::new(&request, asked, "Delete issuer", &path, "delete");
    Ok(if clients == 0 {
        question.fact("No client has an identity at this issuer. Its configuration is lost.")
    } else {
        question.impossible(format!(
            "{clients} client(s) have an identity at this issuer. Remove these first, or disable the issuer."
        ))
    })
}

/// Trusts an issuer no more, at which no client has an identity.
pub(super) async fn delete(
    request: PortalRequest<Owner, IssuerName>,
    _form: Form,
) -> Result<Response> {
    let (by, name) = (&request.origin, &request.target);
    let removed = request.app.issuers.remove(by, name).await;
    page::after(removed, PATH, "deleted", ask_delete(request)).await
}

/// Fetches the keys of an issuer now, and shows what came or why nothing did.
pub(super) async fn check(
    request: PortalRequest<Owner, IssuerName>,
    _form: Form,
) -> Result<Response> {
    let name = &request.target;
    Ok(page::show(&CheckPage {
        layout: request.layout(format!("Check {name}"), PATH),
        check: request.app.issuers.check(name).await?,
        path: path_of_issuer(name),
    }))
}
