//! The list of clients: searched, sorted, page by page.

use askama::Template;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{ClientCount, ClientFilter, ClientOrder, ClientQuery, ClientsList};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, Client, ClientId, ClientStatus, Scope};
use crate::http::Params;
use crate::http::portal::access::{PortalRequest, Viewer};
use crate::http::portal::links::{CLIENTS, encoded, path_of};
use crate::http::portal::page::{self, Grouped, Layout};

/// Clients of one page.
const LIMIT: u32 = 50;

#[derive(Template)]
#[template(path = "clients/clients.html")]
struct ClientsPage {
    layout: Layout,
    can_change: bool,
    search: String,
    /// What the list is sent with besides the text to search for.
    hidden: Vec<(&'static str, String)>,
    statuses: Vec<Chip>,
    /// Filters that only a link sets, each with the link that removes it.
    others: Vec<Chip>,
    order: ClientOrder,
    heads: Option<Heads>,
    now: UnixTime,
    rows: Vec<Row>,
    total: ClientCount,
    is_filtered: bool,
    is_first: bool,
    /// The query of the first page of this list, and of the next one.
    first: String,
    next: Option<String>,
}

/// A filter that a click sets or removes.
struct Chip {
    label: String,
    query: String,
    is_set: bool,
}

/// Where the heads of the columns lead, in a list that can be sorted.
struct Heads {
    by_id: String,
    by_age: String,
}

struct Row {
    client: Client,
    last_used_at: Option<UnixTime>,
    /// When its last secret ends, if that is soon or was already.
    secret_ends: Option<UnixTime>,
}

/// The list marks clients whose last secret ends within so many seconds: 14 days.
const SOON: i64 = 14 * 86_400;

pub(in crate::http::portal) async fn show_clients(
    mut request: PortalRequest<Viewer>,
) -> Result<Response> {
    let query = read_query(&mut request.query)?;
    let app = &request.app;
    let ClientsList { clients, after } = app.clients.list(&query).await?;
    let is_whole = query.after.is_none() && after.is_none();
    let total = if is_whole {
        ClientCount::Exactly(clients.len() as u64)
    } else {
        app.clients.count(&query.filter).await?
    };
    let ids: Vec<&ClientId> = clients.iter().map(|client| &client.client_id).collect();
    let uses = app.usage.list_last_used(&ids).await?;
    let now = app.clock().now();
    let ends = app.secrets.list_last_ends(&ids, now.plus(SOON)).await?;
    let rows = clients.into_iter().map(|client| Row {
        secret_ends: ends.get(&client.client_id).copied(),
        last_used_at: uses.get(&client.client_id).map(|last| last.used_at),
        client,
    });
    let first = text_of(&query);
    Ok(page::show(&ClientsPage {
        layout: request.layout("Clients", CLIENTS),
        can_change: request.permits(AdminRole::Operator),
        now,
        rows: rows.collect(),
        total,
        is_filtered: query.filter != ClientFilter::default(),
        is_first: query.after.is_none(),
        next: after.map(|place| format!("{first}&after={}", encoded(&place))),
        first,
        hidden: fields(&query),
        statuses: statuses(&query),
        others: others(&query.filter),
        heads: heads(&query),
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

/// What a link to this list has to say besides the text to search for.
fn fields(query: &ClientQuery) -> Vec<(&'static str, String)> {
    let filter = &query.filter;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let status = filter.status.map_or("", ClientStatus::as_str);
    let scope = filter.scope.as_ref().map_or("", Scope::as_str);
    let order = Some(query.order).filter(|order| *order != ClientOrder::default());
    let mut all = vec![
        ("status", status.to_owned()),
        ("scope", scope.to_owned()),
        ("prefix", text(&filter.prefix)),
        ("name_prefix", text(&filter.name_prefix)),
        ("order", order.map_or("", ClientOrder::as_str).to_owned()),
    ];
    all.retain(|(_, value)| !value.is_empty());
    all
}

fn text_of(query: &ClientQuery) -> String {
    let search = encoded(query.filter.search.as_deref().unwrap_or_default());
    let pairs = fields(query).into_iter();
    let pairs = pairs.map(|(name, value)| format!("&{name}={}", encoded(&value)));
    format!("?search={search}{}", pairs.collect::<String>())
}

fn statuses(query: &ClientQuery) -> Vec<Chip> {
    let chip = |label: &str, status| {
        let mut other = query.clone();
        other.filter.status = status;
        Chip {
            label: label.to_owned(),
            query: text_of(&other),
            is_set: query.filter.status == status,
        }
    };
    vec![
        chip("All", None),
        chip("Enabled", Some(ClientStatus::Enabled)),
        chip("Disabled", Some(ClientStatus::Disabled)),
    ]
}

fn others(filter: &ClientFilter) -> Vec<Chip> {
    let chip = |label: Option<String>, remove: fn(&mut ClientFilter)| {
        let mut query = ClientQuery {
            filter: filter.clone(),
            ..ClientQuery::default()
        };
        remove(&mut query.filter);
        Some(Chip {
            label: label?,
            query: text_of(&query),
            is_set: true,
        })
    };
    let label = |before: &str, value: Option<&str>| Some(format!("{before}{}", value?));
    let scope = label("Scope: ", filter.scope.as_ref().map(Scope::as_str));
    let prefix = label("ID starts with ", filter.prefix.as_deref());
    let name = label("Name starts with ", filter.name_prefix.as_deref());
    let chips = [
        chip(scope, |filter| filter.scope = None),
        chip(prefix, |filter| filter.prefix = None),
        chip(name, |filter| filter.name_prefix = None),
    ];
    chips.into_iter().flatten().collect()
}

fn heads(query: &ClientQuery) -> Option<Heads> {
    let sorted = |order| {
        text_of(&ClientQuery {
            order,
            ..query.clone()
        })
    };
    (!query.filter.is_search()).then(|| Heads {
        by_id: sorted(ClientOrder::ClientId),
        by_age: sorted(match query.order {
            ClientOrder::Newest => ClientOrder::Oldest,
            ClientOrder::ClientId | ClientOrder::Oldest => ClientOrder::Newest,
        }),
    })
}
