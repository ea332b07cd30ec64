//! The database's own time, which is one for all replicas. Only to be compared with: whatever is written has the caller's.

use super::{Pool, Store, StoreError, within_deadline};
use crate::clock::UnixTime;

const SQL_TIME: &str = "select extract(epoch from clock_timestamp())::bigint";

impl Store {
    /// The database's time; `None` where it has no other than this machine's.
    pub async fn time(&self) -> Result<Option<UnixTime>, StoreError> {
        let Pool::Postgres(pool) = &self.pool else {
            return Ok(None);
        };
        let seconds = within_deadline!(self, pool, |connection| {
            sqlx::query_scalar(SQL_TIME).fetch_one(connection).await
        })?;
        Ok(Some(UnixTime(seconds)))
    }
}
