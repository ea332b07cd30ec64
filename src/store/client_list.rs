//! Owns the list of clients that are of some kind. One at a time is found in `clients`.

use sqlx::QueryBuilder;

use super::client_rows::ClientRow;
use super::{ClientsPage, Store, StoreError, on_pool};
use crate::domain::{Client, ClientId, ClientStatus};

/// Which clients.
#[derive(Clone, Debug, Default)]
pub struct ClientFilter {
    /// Of this status.
    pub status: Option<ClientStatus>,
    /// That may ask for this one scope.
    pub scope: Option<String>,
    /// Whose id begins so.
    pub prefix: Option<String>,
}

const SELECT: &str = "
    select client_id, name, description, status, scopes, audiences, metadata, token_ttl,
        auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound,
        created_at, updated_at
    from clients
    where client_id > ";

impl Store {
    /// Clients of some kind without their secrets, by `client_id`.
    pub async fn list_clients_of(
        &self,
        filter: &ClientFilter,
        page: &ClientsPage,
    ) -> Result<Vec<Client>, StoreError> {
        let after = page.after.as_ref().map_or("", ClientId::as_str);
        let rows: Vec<ClientRow> = on_pool!(self, |pool| {
            let mut query = QueryBuilder::new(SELECT);
            query.push_bind(after);
            if let Some(status) = filter.status {
                query.push(" and status = ").push_bind(status.as_str());
            }
            if let Some(prefix) = &filter.prefix {
                query.push(" and substr(client_id, 1, length(");
                query.push_bind(prefix.as_str()).push(")) = ");
                query.push_bind(prefix.as_str());
            }
            // `like` knows no case on SQLite.
            if let Some(scope) = &filter.scope {
                query.push(" and replace(' ' || scopes || ' ', ");
                query.push_bind(format!(" {scope} "));
                query.push(", '') <> ' ' || scopes || ' '");
            }
            query.push(" order by client_id limit ");
            query.push_bind(i64::from(page.limit));
            query.build_query_as().fetch_all(pool).await
        })?;
        rows.into_iter().map(Client::try_from).collect()
    }
}
