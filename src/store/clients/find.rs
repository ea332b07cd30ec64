//! Owns the reading of many clients with their secrets by one statement.

use std::collections::HashMap;

use sqlx::QueryBuilder;

use crate::domain::{ClientId, ClientRecord};
use crate::store::clients::row::{RecordRow, records, select_records};
use crate::store::{ClientsPage, Store, StoreError, on_pool};

/// Ids of one statement.
pub(in crate::store) const AT_ONCE: usize = 500;

const SELECT: &str = concat!(
    select_records!(),
    "
    where c.client_id in ("
);

const ORDER: &str = ") order by c.client_id, s.created_at, s.secret_id";

impl Store {
    /// Clients with their secrets, by `client_id`: each as one consistent picture.
    pub async fn list_client_records(
        &self,
        page: &ClientsPage,
    ) -> Result<Vec<ClientRecord>, StoreError> {
        let after = page.after.as_ref().map_or("", ClientId::as_str);
        let rows: Vec<RecordRow> = on_pool!(self, |pool| {
            let mut query = QueryBuilder::new(SELECT);
            query.push("select client_id from clients where client_id > ");
            query.push_bind(after).push(" order by client_id limit ");
            query.push_bind(i64::from(page.limit)).push(ORDER);
            query.build_query_as().fetch_all(pool).await
        })?;
        records(rows)
    }

    /// Those of these clients that there are, with their secrets.
    pub async fn find_clients(
        &self,
        ids: &[&ClientId],
    ) -> Result<HashMap<ClientId, ClientRecord>, StoreError> {
        let mut found = HashMap::new();
        for ids in ids.chunks(AT_ONCE) {
            let rows: Vec<RecordRow> = on_pool!(self, |pool| {
                let mut query = QueryBuilder::new(SELECT);
                let mut values = query.separated(", ");
                for id in ids {
                    values.push_bind(id.as_str());
                }
                query.push(ORDER);
                query.build_query_as().fetch_all(pool).await
            })?;
            for record in records(rows)? {
                found.insert(record.client.client_id.clone(), record);
            }
        }
        Ok(found)
    }
}
