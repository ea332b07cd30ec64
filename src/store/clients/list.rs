//! Owns the list of clients: which of them, in which order, page by page. An index serves each way to ask but the search,
//! so that a page is as quick among a million clients as among ten. The search reads one column of all clients.

use crate::base::clock::UnixTime;
use crate::domain::{Client, ClientId, ClientStatus, ParseError, Scope};
use crate::store::clients::row::{CLIENTS, COLUMNS, read_client};
use crate::store::clients::search;
use crate::store::db::{FullPage, Query, ToValue, Value, query, select};
use crate::store::{Result, Store};

/// Which part of the list of clients to read.
#[derive(Clone, Debug, Default)]
pub struct ClientQuery {
    /// Only these.
    pub filter: ClientFilter,
    /// In this order.
    pub order: ClientOrder,
    /// Only clients after this place in the order.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: u32,
}

/// Which clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// Of this status.
    pub status: Option<ClientStatus>,
    /// That may ask for this one scope.
    pub scope: Option<Scope>,
    /// With an ID that starts with this text.
    pub prefix: Option<String>,
    /// With a name that starts with this text, in upper or lower case.
    pub name_prefix: Option<String>,
    /// With an ID, a name or scopes that contain this text, in upper or lower case.
    pub search: Option<String>,
}

impl ClientFilter {
    /// Whether what it finds is listed by id alone.
    pub fn is_search(&self) -> bool {
        self.scope.is_some() || self.prefix.is_some() || self.patterns().next().is_some()
    }

    /// Fails for a text that cannot be searched for.
    pub fn check(&self) -> Result<(), ParseError> {
        let texts = [&self.prefix, &self.name_prefix, &self.search];
        texts
            .into_iter()
            .flatten()
            .try_for_each(|text| search::check_text(text))
    }

    /// What the column `search` has to match.
    fn patterns(&self) -> impl Iterator<Item = String> {
        let name = self.name_prefix.as_deref().map(search::with_name_prefix);
        let text = self.search.as_deref().map(search::containing);
        name.into_iter().chain(text)
    }
}

/// In which order clients are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientOrder {
    /// By id.
    #[default]
    ClientId,
    /// The last registered first.
    Newest,
    /// The first registered first.
    Oldest,
}

impl ClientOrder {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::ClientId, Self::Newest, Self::Oldest];

    /// The word for it, everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientId => "client_id",
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }

    /// A place in this order, as [`place_of`](Self::place_of) wrote it.
    pub fn parse_place(self, text: &str) -> Result<Cursor, ParseError> {
        let wrong =
            || ParseError::new("`after` is not a cursor of this list; begin with the first page");
        let (created_at, client_id) = match self {
            Self::ClientId => (0, text),
            Self::Newest | Self::Oldest => {
                let (created_at, client_id) = text.split_once(':').ok_or_else(wrong)?;
                (created_at.parse().map_err(|_| wrong())?, client_id)
            }
        };
        Ok(Cursor {
            created_at: UnixTime(created_at),
            client_id: ClientId::parse(client_id)?,
        })
    }

    /// The place of a client in this order, for [`parse_place`](Self::parse_place).
    pub fn place_of(self, client: &Client) -> String {
        match self {
            Self::ClientId => client.client_id.to_string(),
            Self::Newest | Self::Oldest => {
                format!("{}:{}", client.created_at.0, client.client_id)
            }
        }
    }
}

impl std::str::FromStr for ClientOrder {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|order| order.as_str() == text);
        found.ok_or_else(|| ParseError::new("`order` must be `client_id`, `newest` or `oldest`"))
    }
}

/// Where a page of the list ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the last client was registered; of no meaning in the order of ids.
    pub created_at: UnixTime,
    /// The last client.
    pub client_id: ClientId,
}

/// `cross join` keeps SQLite from beginning with the clients.
const OF_A_SCOPE: &str =
    "client_scopes s cross join clients c where c.client_id = s.client_id and s.scope = ";

/// No other character comes after it in the order by bytes.
const LATEST: char = '\u{10FFFF}';

/// A condition: the column begins with the prefix, so that it lies in a range of an index.
fn push_prefix(query: &mut Query<'_>, column: &'static str, prefix: &str) {
    let text = |text: String| Value::Text(Some(text.into()));
    query.push(" and ").push(column).push(" >= ");
    query.push_bind(text(prefix.to_owned()));
    query.push(" and ").push(column).push(" < ");
    query.push_bind(text(format!("{prefix}{LATEST}")));
}

/// A condition: the client comes after the end of the page before.
fn push_after<'q>(query: &mut Query<'q>, page: &'q ClientQuery, ids: &[&'static str]) {
    let Some(after) = &page.after else { return };
    let condition = match page.order {
        ClientOrder::ClientId => {
            for id in ids {
                query.push(" and ").push(id).push(" > ");
                query.push_bind(after.client_id.to_value());
            }
            return;
        }
        ClientOrder::Newest => " and (c.created_at, c.client_id) < (",
        ClientOrder::Oldest => " and (c.created_at, c.client_id) > (",
    };
    query.push(condition).push_bind(after.created_at.to_value());
    query.push(", ").push_bind(after.client_id.to_value());
    query.push(")");
}

/// The clients that a filter without patterns selects: where they are, and the conditions.
fn push_listed<'q>(query: &mut Query<'q>, filter: &'q ClientFilter, ids: &[&'static str]) {
    match &filter.scope {
        Some(scope) => query.push(OF_A_SCOPE).push_bind(scope.as_str().to_value()),
        None => query.push("clients c where true"),
    };
    query.push_some(" and c.status = ", filter.status.map(ClientStatus::as_str));
    if let Some(prefix) = &filter.prefix {
        for id in ids {
            push_prefix(query, id, prefix);
        }
    }
}

/// The conditions of a filter with patterns, on the table `clients`.
fn push_searched<'q>(query: &mut Query<'q>, filter: &'q ClientFilter) {
    for pattern in filter.patterns() {
        query.push(" and search like ");
        query.push_bind(Value::Text(Some(pattern.into())));
        query.push(" escape '\\'");
    }
    // By `=` SQLite would leave the index with the column `search` for that of the status.
    query.push_some(" and status like ", filter.status.map(ClientStatus::as_str));
    if let Some(scope) = &filter.scope {
        query.push(" and exists (select 1 from client_scopes s where s.client_id = clients.client_id and s.scope = ");
        query.push_bind(scope.as_str().to_value()).push(")");
    }
    if let Some(prefix) = &filter.prefix {
        push_prefix(query, "client_id", prefix);
    }
}

impl Store {
    /// How many clients a filter selects, counted up to `limit`.
    pub async fn count_clients(&self, filter: &ClientFilter, limit: u32) -> Result<u64> {
        let mut query = query("select count(*) from (select 1 as one from ");
        if filter.patterns().next().is_some() {
            query.push("clients where true");
            push_searched(&mut query, filter);
        } else {
            push_listed(&mut query, filter, &["c.client_id"]);
        }
        query.push(" limit ").push_bind(limit.to_value());
        query.push(") counted");
        query
            .unprepared()
            .fetch_one(&mut self.acquire_read().await?, |row| row.count(0))
            .await
    }

    /// A part of the list of clients, without their secrets. Fewer than the limit: they are the last.
    pub async fn list_clients_in_order(&self, page: &ClientQuery) -> Result<Vec<Client>> {
        let mut full = FullPage::of(page.limit);
        loop {
            let part = ClientQuery {
                limit: full.asked(),
                ..page.clone()
            };
            let mut found = page_query(&part)
                .fetch_readable(&mut self.acquire_read().await?, CLIENTS, read_client)
                .await?;
            if full.is_full(&mut found) {
                return Ok(found.into_rows());
            }
        }
    }
}

fn page_query(page: &ClientQuery) -> Query<'_> {
    if page.filter.patterns().next().is_some() {
        return search_query(page);
    }
    // A bound of one of the two is none of the other to Postgres, which would read the other from its beginning.
    let ids: &[&'static str] = match page.filter.scope {
        Some(_) => &["s.client_id", "c.client_id"],
        None => &["c.client_id"],
    };
    let mut query = select(&[COLUMNS], "from ");
    push_listed(&mut query, &page.filter, ids);
    push_after(&mut query, page, ids);
    query.push(" order by ").push(match page.order {
        ClientOrder::ClientId => ids[0],
        ClientOrder::Newest => "c.created_at desc, c.client_id desc",
        ClientOrder::Oldest => "c.created_at, c.client_id",
    });
    query.push(" limit ").push_bind(page.limit.to_value());
    query
}

/// A part of the list by id. The databases read the narrow column first, and whole rows only of what it finds: SQLite in an
/// index; Postgres in the order of ids if many clients match, else in the table on several cores.
fn search_query(page: &ClientQuery) -> Query<'_> {
    let mut query = query("with found as materialized (select client_id from clients where true");
    push_searched(&mut query, &page.filter);
    let after = page.after.as_ref().map(|after| &after.client_id);
    query.push_some(" and client_id > ", after);
    query.push(" order by client_id limit ");
    query.push_bind(page.limit.to_value());
    query.push(") select ").push(COLUMNS);
    query.push(
        " from found f cross join clients c where c.client_id = f.client_id order by f.client_id",
    );
    query.unprepared()
}
