//! Owns which file keeps which client.

use crate::domain::{Action, Change, ClientEffect, ClientId, ManagedBy, Stamp};
use crate::store::audit::append::record;
use crate::store::clients::row::{lock_client, read_record};
use crate::store::clients::write::of_client;
use crate::store::{Store, StoreError, in_transaction, on_pool};

impl Store {
    /// The clients that this file keeps.
    pub async fn list_managed_clients(
        &self,
        managed_by: &ManagedBy,
    ) -> Result<Vec<ClientId>, StoreError> {
        const SQL: &str = "
            select client_id
            from clients
            where managed_by = $1
            order by client_id";
        let ids: Vec<String> = on_pool!(self, |pool| sqlx::query_scalar(SQL)
            .bind(managed_by.as_str())
            .fetch_all(pool)
            .await)?;
        let ids: Result<_, _> = ids.iter().map(|id| ClientId::parse(id)).collect();
        Ok(ids?)
    }

    /// Lets no file keep this client any more; false when there is no such client. One that no file keeps is left as it is.
    pub async fn release_client(
        &self,
        id: &ClientId,
        stamp: Stamp<'_>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update clients
            set managed_by = null, updated_at = $2
            where client_id = $1";
        in_transaction!(self, |tx| {
            if lock_client!(tx, id, ClientEffect::Changes, stamp).is_none() {
                return Ok(false);
            }
            let before = read_record!(tx, id);
            if before
                .as_ref()
                .is_some_and(|it| it.client.managed_by.is_none())
            {
                return Ok(true);
            }
            sqlx::query(SQL)
                .bind(id.as_str())
                .bind(stamp.at.0)
                .execute(&mut *tx)
                .await?;
            let after = read_record!(tx, id);
            let event = of_client(Action::ClientRelease, id).difference(before, after);
            record!(self, tx, stamp, Change::Client(id.clone()), vec![event]);
            true
        })
    }
}
