//! Owns the list of clients: which of them, in which order, page by page. Every way to ask is served by an index, so
//! that a page is as quick among a million clients as among ten; but for one, the scope.

use sqlx::QueryBuilder;

use super::client_rows::ClientRow;
use super::{Store, StoreError, on_pool};
use crate::clock::UnixTime;
use crate::domain::{Client, ClientId, ClientStatus, ParseError, Scope};

/// Which part of the list of clients to read.
#[derive(Clone, Debug, Default)]
pub struct ClientsPart {
    /// Only these.
    pub filter: ClientFilter,
    /// In this order.
    pub order: ClientsOrder,
    /// Only clients after this place in the order.
    pub after: Option<ClientsPlace>,
    /// At most so many.
    pub limit: u32,
}

/// Which clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// Of this status.
    pub status: Option<ClientStatus>,
    /// That may ask for this one scope. This alone is looked for in each client of the others.
    pub scope: Option<Scope>,
    /// Whose id begins so. A part from the middle would be a search through all of them.
    pub prefix: Option<String>,
}

/// In which order clients are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientsOrder {
    /// By id.
    #[default]
    ClientId,
    /// The last registered first.
    Newest,
    /// The first registered first.
    Oldest,
}

impl ClientsOrder {
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
    pub fn parse_place(self, text: &str) -> Result<ClientsPlace, ParseError> {
        let wrong =
            || ParseError::new("`after` is not a place in this list; begin with its first page");
        let (created_at, client_id) = match self {
            Self::ClientId => (0, text),
            Self::Newest | Self::Oldest => {
                let (created_at, client_id) = text.split_once(':').ok_or_else(wrong)?;
                (created_at.parse().map_err(|_| wrong())?, client_id)
            }
        };
        Ok(ClientsPlace {
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

impl std::str::FromStr for ClientsOrder {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|order| order.as_str() == text);
        found.ok_or_else(|| ParseError::new("an order is `client_id`, `newest` or `oldest`"))
    }
}

/// Where a page of the list ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientsPlace {
    /// When the last client was registered; of no meaning in the order of ids.
    pub created_at: UnixTime,
    /// The last client.
    pub client_id: ClientId,
}

const SELECT: &str = "
    select client_id, name, description, status, scopes, audiences, metadata, token_ttl,
        token_quota, allowed_networks, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound,
        managed_by, created_at, updated_at
    from clients
    where true";

/// One of these is later than every ASCII character in whichever order the database has for text: by bytes, by ICU,
/// by the locales of glibc. So what begins with a text lies between it and the latest of it with one of these.
const LATEST: [&str; 5] = ["\u{10FFFF}", "\u{FFFD}", "\u{9FA5}", "\u{D7A3}", "\u{0E2E}"];

impl Store {
    /// A part of the list of clients, without their secrets.
    pub async fn list_clients_in_order(
        &self,
        page: &ClientsPart,
    ) -> Result<Vec<Client>, StoreError> {
        let order = match page.order {
            ClientsOrder::ClientId => [" and client_id > ", "", " order by client_id limit "],
            ClientsOrder::Newest => [
                " and (created_at, client_id) < (",
                ")",
                " order by created_at desc, client_id desc limit ",
            ],
            ClientsOrder::Oldest => [
                " and (created_at, client_id) > (",
                ")",
                " order by created_at, client_id limit ",
            ],
        };
        let rows: Vec<ClientRow> = on_pool!(self, |pool| {
            let mut query = QueryBuilder::new(SELECT);
            if let Some(status) = page.filter.status {
                query.push(" and status = ").push_bind(status.as_str());
            }
            if let Some(prefix) = &page.filter.prefix {
                query.push(" and client_id >= ").push_bind(prefix.as_str());
                query.push(" and client_id <= (select max(column1) from (values ");
                let mut values = query.separated(", ");
                for latest in LATEST {
                    values.push("(");
                    values.push_bind_unseparated(format!("{prefix}{latest}"));
                    values.push_unseparated(")");
                }
                // The order of the database may have others between, such as those with capital letters.
                query.push(") as latest) and substr(client_id, 1, ");
                query.push("length(").push_bind(prefix.as_str());
                query.push(")) = ").push_bind(prefix.as_str());
            }
            // `like` knows no case on SQLite.
            if let Some(scope) = &page.filter.scope {
                query.push(" and replace(' ' || scopes || ' ', ");
                query.push_bind(format!(" {scope} "));
                query.push(", '') <> ' ' || scopes || ' '");
            }
            if let Some(after) = &page.after {
                query.push(order[0]);
                if page.order != ClientsOrder::ClientId {
                    query.push_bind(after.created_at.0).push(", ");
                }
                query.push_bind(after.client_id.as_str()).push(order[1]);
            }
            query.push(order[2]).push_bind(i64::from(page.limit));
            query.build_query_as().fetch_all(pool).await
        })?;
        rows.into_iter().map(Client::try_from).collect()
    }
}
