//! Trusted issuers: their state, the clients that have an identity at them, and the forms with which owners write them. And the
//! identities of a client.

pub(in crate::http::portal) mod actions;
pub(in crate::http::portal) mod form;
pub(in crate::http::portal) mod identities;
mod typed;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{IssuerMetrics, ListedIssuer, issuer_lines};
use crate::domain::{
    AdminRole, ClientId, ClientIdentity, ErrorCode, IdentityUse, IssuerName, IssuerStatus,
};
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::links::{encoded, path_of};
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::request::path::InPath;
use crate::http::{AppState, Params};

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

/// Shows all issuers.
pub(super) async fn show_issuers(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Result<Response> {
    let metrics = app.issuers.metrics();
    let issuers = app.issuers.list().await?.into_iter();
    Ok(page::show(&IssuersPage {
        layout: session.layout("Trusted issuers", PATH),
        can_change: session.permits(AdminRole::Owner),
        rows: issuers.map(|listed| row(listed, &metrics)).collect(),
    }))
}

/// Shows an issuer with its first clients.
pub(super) async fn show_issuer(
    State(app): State<AppState>,
    session: Session<Viewer>,
    InPath(name): InPath<IssuerName>,
    uri: Uri,
) -> Result<Response> {
    let revoked = Params::from_query(&uri)?.take("revoked");
    let mut page = issuer_page(&app, &session, &name).await?;
    page.revoked = revoked.and_then(|count| count.parse().ok());
    Ok(page::show(&page))
}

async fn issuer_page<R>(
    app: &AppState,
    session: &Session<R>,
    name: &IssuerName,
) -> Result<IssuerPage> {
    let listed = app.issuers.find(name).await?;
    let mut clients = Vec::new();
    for id in app.issuers.list_clients(name, SHOWN).await? {
        clients.extend(identities_at(app, name, &id).await?);
    }
    Ok(IssuerPage {
        layout: session.layout(name.as_str(), PATH),
        can_change: session.permits(AdminRole::Owner),
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
