//! Owns the rows of `rejected_requests`: requests that were refused, and why.

use crate::domain::{ClientId, ErrorCode, INTROSPECT_SCOPE, RejectedRequest};
use crate::store::db::{ROWS, Row, TableRow, ToValue, Value, insert_rows, select};
use crate::store::{Result, Store, TrustedTime};

impl TableRow for RejectedRequest {
    const TABLE: &'static str = "rejected_requests";
    const COLUMNS: &'static str = "request_id, at, route, client_id, hint, source, error, reason";

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            self.request_id.to_value(),
            self.at.to_value(),
            self.route.to_value(),
            self.client_id.to_value(),
            self.hint.to_value(),
            self.source.to_value(),
            self.error.to_value(),
            self.reason.to_value(),
        ]
    }
}

impl Store {
    /// Adds refusals.
    pub async fn insert_rejected_requests(&self, refusals: &[RejectedRequest]) -> Result<()> {
        // A connection and a deadline for each piece.
        for rows in refusals.chunks(ROWS) {
            insert_rows(&mut self.acquire().await?, rows).await?;
        }
        Ok(())
    }

    /// The refusals of this request id, the last one first.
    pub async fn find_rejected_requests(
        &self,
        request_id: &str,
        limit: u32,
    ) -> Result<Vec<RejectedRequest>> {
        const REST: &str = "from rejected_requests where request_id = $1 order by at desc limit $2";
        self.fetch_rejected_requests(REST, &[&request_id, &limit])
            .await
    }

    /// The last refusals in the name of a client.
    pub async fn list_rejected_requests(
        &self,
        id: &ClientId,
        limit: u32,
    ) -> Result<Vec<RejectedRequest>> {
        const REST: &str = "from rejected_requests where client_id = $1 order by at desc limit $2";
        self.fetch_rejected_requests(REST, &[id, &limit]).await
    }

    /// The last refusals in anybody's name.
    pub async fn list_recent_rejected_requests(&self, limit: u32) -> Result<Vec<RejectedRequest>> {
        const REST: &str = "from rejected_requests order by at desc limit $1";
        self.fetch_rejected_requests(REST, &[&limit]).await
    }

    async fn fetch_rejected_requests(
        &self,
        rest: &'static str,
        values: &[&dyn ToValue],
    ) -> Result<Vec<RejectedRequest>> {
        let on = &mut self.acquire_read().await?;
        let query = select(&[RejectedRequest::COLUMNS], rest).bind(values);
        query.fetch_all(on, read_rejected_request).await
    }

    /// Enabled clients that have no identifier, may not introspect every token, and were refused an introspection for
    /// that, as far as refusals are kept; by id.
    pub async fn list_introspecting_without_identifier(&self, limit: u32) -> Result<Vec<ClientId>> {
        const SQL: &str = "
            select distinct c.client_id
            from rejected_requests r
            join clients c on c.client_id = r.client_id
            where r.route = '/introspect' and r.error = $1 and c.status = 'enabled' and c.identifiers = ''
                and not exists (
                    select 1 from client_scopes s where s.client_id = c.client_id and s.scope = $2)
            order by c.client_id
            limit $3";
        let code = ErrorCode::UnauthorizedClient.as_str();
        self.fetch_all(SQL, &[&code, &INTROSPECT_SCOPE, &limit], |row| row.parse(0))
            .await
    }

    /// Removes the refusals before `end`, and those before the newest `kept`; how many.
    pub async fn prune_rejected_requests(&self, end: TrustedTime, kept: u32) -> Result<u64> {
        const SQL: &str = "
            delete from rejected_requests
            where at < $1 or at < (select at from rejected_requests order by at desc limit 1 offset $2)";
        self.execute(SQL, &[&end.time(), &i64::from(kept)]).await
    }
}

fn read_rejected_request(row: &Row) -> Result<RejectedRequest> {
    Ok(RejectedRequest {
        request_id: row.get("request_id")?,
        at: row.time("at")?,
        route: row.get("route")?,
        client_id: row.get("client_id")?,
        hint: row.get("hint")?,
        source: row.get("source")?,
        error: row.get("error")?,
        reason: row.get("reason")?,
    })
}
