//! Owns the rows of `refusals`: requests that were refused, and why.

use sqlx::{AssertSqlSafe, FromRow};

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, RefusedRequest};
use crate::store::{Store, StoreError, TrustedTime, execute, on_pool, placeholders};

/// Rows of one statement.
const ROWS: usize = 500;

const COLUMNS: usize = 8;

impl Store {
    /// Adds refusals.
    pub async fn add_refusals(&self, refusals: &[RefusedRequest]) -> Result<(), StoreError> {
        for rows in refusals.chunks(ROWS) {
            let sql = format!(
                "insert into refusals (request_id, at, route, client_id, hint, source, error, reason) values {}",
                placeholders(rows.len(), COLUMNS)
            );
            on_pool!(self, |pool| {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for row in rows {
                    query = query
                        .bind(&row.request_id)
                        .bind(row.at.0)
                        .bind(&row.route)
                        .bind(&row.client_id)
                        .bind(&row.hint)
                        .bind(&row.source)
                        .bind(&row.error)
                        .bind(&row.reason);
                }
                query.execute(pool).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// The refusals of this request id, the last one first.
    pub async fn find_refusals(
        &self,
        request_id: &str,
        limit: u32,
    ) -> Result<Vec<RefusedRequest>, StoreError> {
        const SQL: &str = "
            select request_id, at, route, client_id, hint, source, error, reason
            from refusals
            where request_id = $1
            order by at desc
            limit $2";
        let rows: Vec<Row> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(request_id)
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        Ok(rows.into_iter().map(RefusedRequest::from).collect())
    }

    /// The last refusals in the name of a client.
    pub async fn list_refusals(
        &self,
        id: &ClientId,
        limit: u32,
    ) -> Result<Vec<RefusedRequest>, StoreError> {
        const SQL: &str = "
            select request_id, at, route, client_id, hint, source, error, reason
            from refusals
            where client_id = $1
            order by at desc
            limit $2";
        let rows: Vec<Row> = on_pool!(self, |pool| sqlx::query_as(SQL)
            .bind(id.as_str())
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        Ok(rows.into_iter().map(RefusedRequest::from).collect())
    }

    /// Removes the refusals before `end`, and those before the newest `kept`; how many.
    pub async fn prune_refusals(&self, end: TrustedTime, kept: u32) -> Result<u64, StoreError> {
        const SQL: &str = "
            delete from refusals
            where at < $1 or at < (select at from refusals order by at desc limit 1 offset $2)";
        Ok(execute!(self, SQL, end.time().0, i64::from(kept))?)
    }
}

#[derive(FromRow)]
struct Row {
    request_id: String,
    at: i64,
    route: String,
    client_id: Option<String>,
    hint: String,
    source: String,
    error: String,
    reason: String,
}

impl From<Row> for RefusedRequest {
    fn from(row: Row) -> Self {
        Self {
            request_id: row.request_id,
            at: UnixTime(row.at),
            route: row.route,
            client_id: row.client_id,
            hint: row.hint,
            source: row.source,
            error: row.error,
            reason: row.reason,
        }
    }
}
