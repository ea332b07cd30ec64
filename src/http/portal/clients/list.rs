//! The list of clients, and a form for one more.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::error::Result;
use crate::app::{ClientFilter, ClientOrder, ClientQuery, ClientsList, NewClient};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, Client, ClientId, ClientStatus, Scope};
use crate::http::portal::access::form::Form;
use crate::http::portal::access::guard::see;
use crate::http::portal::access::session::{Operator, Session, Viewer};
use crate::http::portal::clients::form::ClientForm;
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::portal::secrets;
use crate::http::portal::secrets::Lifetime;
use crate::http::{AppState, Params};

pub(in crate::http::portal) const PATH: &str = "/admin/clients";

const PATH_OF_NEW: &str = "/admin/new-client";

/// Clients of one page.
const LIMIT: u32 = 50;

const DONE: &[(&str, &str)] = &[(
    "deleted",
    "The client is removed, and its tokens are revoked.",
)];

#[derive(Template)]
#[template(path = "clients/clients.html")]
struct ClientsPage {
    layout: Layout,
    can_change: bool,
    prefix: String,
    name_prefix: String,
    status: String,
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
    path: String,
    last_used_at: Option<UnixTime>,
}

/// Those that are asked for.
pub(in crate::http::portal) async fn show_clients(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let mut query = Params::from_query(&uri)?;
    let done = query.take("done");
    let part = read_part(&mut query)?;
    let ClientsList { clients, after } = app.clients.list(&part).await?;
    let ids: Vec<&ClientId> = clients.iter().map(|client| &client.client_id).collect();
    let uses = app.usage.list_last_used(&ids).await?;
    let rows = clients.into_iter().map(|client| Row {
        path: path_of(&client.client_id),
        last_used_at: uses.get(&client.client_id).map(|last| last.used_at),
        client,
    });
    let first = query_of(&part);
    let layout = Layout::new("Clients", PATH, Some(&session));
    Ok(page::show(&ClientsPage {
        layout: layout.with_done(done.as_deref(), DONE),
        can_change: session.permits(AdminRole::Operator),
        rows: rows.collect(),
        is_filtered: part.filter != ClientFilter::default(),
        is_first: part.after.is_none(),
        next: after.map(|place| format!("{first}&after={}", encoded(&place))),
        first,
        status: part
            .filter
            .status
            .map_or_else(String::new, |it| it.as_str().to_owned()),
        scope: scope_of(&part.filter).to_owned(),
        order: part.order,
        prefix: part.filter.prefix.unwrap_or_default(),
        name_prefix: part.filter.name_prefix.unwrap_or_default(),
    }))
}

fn read_part(query: &mut Params) -> Result<ClientQuery> {
    let trimmed = |text: String| text.trim().to_owned();
    let (status, scope) = (query.take("status"), query.take("scope"));
    let filter = ClientFilter {
        prefix: query.take("prefix").map(trimmed),
        name_prefix: query.take("name_prefix").map(trimmed),
        status: status.map(|it| ClientStatus::parse(&it)).transpose()?,
        scope: scope.map(|it| Scope::parse_one(it.trim())).transpose()?,
    };
    let order = query.take("order").map(|order| order.parse()).transpose()?;
    // The form has all of them; a search is by id.
    let order: ClientOrder = order.filter(|_| !filter.is_search()).unwrap_or_default();
    let after = query.take("after").map(|place| order.parse_place(&place));
    Ok(ClientQuery {
        filter,
        order,
        after: after.transpose()?,
        limit: LIMIT,
    })
}

fn query_of(part: &ClientQuery) -> String {
    let filter = &part.filter;
    format!(
        "?prefix={}&name_prefix={}&status={}&scope={}&order={}",
        encoded(filter.prefix.as_deref().unwrap_or_default()),
        encoded(filter.name_prefix.as_deref().unwrap_or_default()),
        filter.status.map_or("", ClientStatus::as_str),
        encoded(scope_of(filter)),
        part.order.as_str()
    )
}

fn scope_of(filter: &ClientFilter) -> &str {
    filter.scope.as_ref().map_or("", Scope::as_str)
}

pub(in crate::http::portal) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Where the page of a client is.
pub(in crate::http::portal) fn path_of(id: &ClientId) -> String {
    format!("{PATH}/{}", encoded(id.as_str()))
}

#[derive(Template)]
#[template(path = "clients/client_new.html")]
struct NewClientPage {
    layout: Layout,
    error: Option<String>,
    client_id: String,
    form: ClientForm,
    lifetimes: &'static [Lifetime],
    lifetime: String,
    min_secret_length: usize,
}

/// A form for one more.
pub(in crate::http::portal) async fn show_new_client(
    State(app): State<AppState>,
    session: Session<Operator>,
) -> Response {
    page::show(&NewClientPage {
        layout: Layout::new("New client", PATH_OF_NEW, Some(&session)),
        error: None,
        client_id: String::new(),
        form: ClientForm::empty(),
        lifetimes: secrets::LIFETIMES,
        lifetime: String::new(),
        min_secret_length: app.config().secrets.min_length,
    })
}

/// Registers a client, and shows its secret once.
pub(in crate::http::portal) async fn create_client(
    State(app): State<AppState>,
    session: Session<Operator>,
    mut form: Form,
) -> Result<Response> {
    let client_id = form.take("client_id").trim().to_owned();
    let lifetime = form.take("lifetime");
    let chosen = form.take_secret("client_secret");
    let fields = ClientForm::read(&mut form);
    let created = async {
        let id = Some(client_id.as_str()).filter(|id| !id.is_empty());
        let id = id.map(ClientId::parse).transpose()?;
        let new = NewClient::new(id, fields.changes()?);
        let expires_at = secrets::end_of_new(&app, &lifetime)?;
        let secret = app.clients.first_secret(&new, chosen, expires_at)?;
        app.clients.register(&session.origin, new, secret).await
    };
    match created.await {
        Ok((client, Some(added))) => Ok(secrets::show_added(&app, &session, &client, &added)),
        Ok((client, None)) => Ok(see(&format!("{}?done=created", path_of(&client.client_id)))),
        Err(error) => {
            let error = page::mendable(error)?;
            let page = NewClientPage {
                layout: Layout::new("New client", PATH_OF_NEW, Some(&session)),
                error: Some(page::sentence(&error)),
                client_id,
                form: fields,
                lifetimes: secrets::LIFETIMES,
                lifetime,
                min_secret_length: app.config().secrets.min_length,
            };
            Ok(page::show_again(&page, error))
        }
    }
}
