//! Owns the reading of clients with their secrets, one or many by one statement.

use std::collections::HashMap;

use crate::domain::{Audience, ClientId, ClientRecord};
use crate::store::clients::record::{
    fetch_readable_records, fetch_records, read_record, select_records,
};
use crate::store::db::{FullPage, Row, ToValue};
use crate::store::{ClientsPage, Result, Store};

/// Clients that were read.
#[derive(Clone, Debug, Default)]
pub struct ClientsRead {
    /// Those that could be.
    pub records: Vec<ClientRecord>,
    /// The ids of those that could not, for they or their secrets are damaged.
    pub damaged: Vec<String>,
}

/// Ids of one statement.
pub(in crate::store) const AT_ONCE: usize = 500;

impl Store {
    /// The client and its secrets, as one consistent picture.
    pub async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>> {
        read_record(&mut self.acquire_read().await?, id).await
    }

    /// Whether there is a client of this id.
    pub async fn has_client(&self, id: &ClientId) -> Result<bool> {
        const SQL: &str = "select exists (select 1 from clients where client_id = $1)";
        self.fetch_one(SQL, &[id], |row| row.get(0)).await
    }

    /// The identifiers of clients, of so many clients at most; of each client those that can be read.
    pub async fn list_identifiers(&self, clients: u32) -> Result<Vec<Audience>> {
        const SQL: &str = "
            select identifiers
            from clients
            where identifiers <> ''
            order by client_id
            limit $1";
        let read = |row: &Row| Ok(Audience::parse_list(row.get(0)?).unwrap_or_default());
        let lists = self.fetch_all(SQL, &[&clients], read).await?;
        Ok(lists.into_iter().flatten().collect())
    }

    /// How many enabled clients have certificate-bound tokens.
    pub async fn count_certificate_bound_clients(&self) -> Result<i64> {
        const SQL: &str = "
            select count(*)
            from clients
            where tls_client_certificate_bound and status = 'enabled'";
        self.fetch_one(SQL, &[], |row| row.get(0)).await
    }

    /// How many clients may log in with assertions for the token endpoint.
    pub async fn count_clients_for_token_endpoint(&self) -> Result<u64> {
        const SQL: &str = "select count(*) from clients where token_endpoint_audience";
        self.fetch_one(SQL, &[], |row| row.count(0)).await
    }

    /// Clients with their secrets, by `client_id`: each as one consistent picture. Fewer than the limit: they are the last.
    pub async fn list_client_records(&self, page: &ClientsPage) -> Result<ClientsRead> {
        let after = page.after.as_ref().map_or("", ClientId::as_str);
        let mut full = FullPage::of(page.limit);
        loop {
            let (mut query, asked) = (select_records(), full.asked());
            query.push("in (select client_id from clients where client_id > $1 order by client_id limit $2)");
            query = query.bind(&[&after, &asked]);
            let mut found = fetch_readable_records(query, &mut self.acquire_read().await?).await?;
            if full.is_full(&mut found) {
                found.log();
                return Ok(ClientsRead {
                    records: found.rows,
                    damaged: found.damaged.into_iter().map(|it| it.key).collect(),
                });
            }
        }
    }

    /// Those of these clients that there are, with their secrets.
    pub async fn find_clients(&self, ids: &[&ClientId]) -> Result<HashMap<ClientId, ClientRecord>> {
        let mut found = HashMap::new();
        for ids in ids.chunks(AT_ONCE) {
            let mut query = select_records();
            query
                .push("in ")
                .push_list(ids.iter().map(|id| id.to_value()));
            for record in fetch_records(query, &mut self.acquire_read().await?).await? {
                found.insert(record.client.client_id.clone(), record);
            }
        }
        Ok(found)
    }
}
