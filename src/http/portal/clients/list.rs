//! The list of clients: searched, sorted, page by page.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{ClientFilter, ClientOrder, ClientQuery, ClientsList};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, Client, ClientId, ClientStatus, Scope};
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::links::{CLIENTS, encoded, path_of};
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::{AppState, Params};

/// Clients of one page.
const LIMIT: u32 = 50;

#[derive(Template)]
#[template(path = "clients/clients.html")]
struct ClientsPage {
    layout: Layout,
    can_change: bool,
    search: String,
    status: &'static str,
    scope: String,
    order: ClientOrder,
    rows: Vec<Row>,
    is_filtered: bool,
    is_first: bool,
    /// The query of the first page of this list, and of the next one.
    first: String,
    next: Option<String>,
}

struct Row {
    client: Client,
    last_used_at: Option<UnixTime>,
}

/// Shows the clients that the query selects.
pub(in crate::http::portal) async fn show_clients(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let query = read_query(&mut Params::from_query(&uri)?)?;
    let ClientsList { clients, after } = app.clients.list(&query).await?;
    let ids: Vec<&ClientId> = clients.iter().map(|client| &client.client_id).collect();
    let uses = app.usage.list_last_used(&ids).await?;
    let rows = clients.into_iter().map(|client| Row {
        last_used_at: uses.get(&client.client_id).map(|last| last.used_at),
        client,
    });
    let first = text_of(&query);
    Ok(page::show(&ClientsPage {
        layout: session.layout("Clients", CLIENTS),
        can_change: session.permits(AdminRole::Operator),
        rows: rows.collect(),
        is_filtered: query.filter != ClientFilter::default(),
        is_first: query.after.is_none(),
        next: after.map(|place| format!("{first}&after={}", encoded(&place))),
        first,
        status: query.filter.status.map_or("", ClientStatus::as_str),
        scope: scope_of(&query.filter).to_owned(),
        order: query.order,
        search: query.filter.search.unwrap_or_default(),
    }))
}

fn read_query(params: &mut Params) -> Result<ClientQuery> {
    let trimmed = |text: String| text.trim().to_owned();
    let (status, scope) = (params.take("status"), params.take("scope"));
    let filter = ClientFilter {
        search: params.take("search").map(trimmed),
        prefix: params.take("prefix").map(trimmed),
        name_prefix: params.take("name_prefix").map(trimmed),
        status: status.map(|it| ClientStatus::parse(&it)).transpose()?,
        scope: scope.map(|it| Scope::parse_one(it.trim())).transpose()?,
    };
    let order = params.take("order").map(|order| order.parse());
    // The form sends all fields; a search is sorted by ID.
    let order = order.transpose()?.filter(|_| !filter.is_search());
    let order: ClientOrder = order.unwrap_or_default();
    let after = params.take("after").map(|place| order.parse_place(&place));
    Ok(ClientQuery {
        filter,
        order,
        after: after.transpose()?,
        limit: LIMIT,
    })
}

fn text_of(query: &ClientQuery) -> String {
    let filter = &query.filter;
    format!(
        "?search={}&prefix={}&name_prefix={}&status={}&scope={}&order={}",
        encoded(filter.search.as_deref().unwrap_or_default()),
        encoded(filter.prefix.as_deref().unwrap_or_default()),
        encoded(filter.name_prefix.as_deref().unwrap_or_default()),
        filter.status.map_or("", ClientStatus::as_str),
        encoded(scope_of(filter)),
        query.order.as_str()
    )
}

fn scope_of(filter: &ClientFilter) -> &str {
    filter.scope.as_ref().map_or("", Scope::as_str)
}
