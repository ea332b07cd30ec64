//! Owns which file keeps which client.

use crate::domain::{Action, Client, ClientId, ManagedBy, Stamp};
use crate::store::clients::record::lock_record;
use crate::store::clients::row::{of_client, replace_row};
use crate::store::{Store, StoreError};

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
        self.fetch_all(SQL, &[&managed_by.as_str()], |row| row.parse(0))
            .await
    }

    /// Lets no file keep this client any more; the client as it is now, `None`: there is no such client. One that no file
    /// keeps is left as it is.
    pub async fn release_client(
        &self,
        id: &ClientId,
        stamp: Stamp<'_>,
    ) -> Result<Option<Client>, StoreError> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(before) = lock_record(&mut tx, id, stamp).await? else {
            return Ok(None);
        };
        if before.client.managed_by.is_none() {
            return Ok(Some(before.client));
        }
        let mut after = before.clone();
        after.client.managed_by = None;
        after.client.updated_at = stamp.at;
        replace_row(&mut tx, &mut after.client).await?;
        let event = of_client(Action::ClientRelease, id).difference(&before, &after);
        self.commit_client_change(tx, id, event, stamp).await?;
        Ok(Some(after.client))
    }
}
