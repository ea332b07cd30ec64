//! Owns what a write depends on beside its own values, and what it stores with them.

pub(in crate::store) mod idempotency;

use crate::domain::ExpectedVersion;
use crate::store::StoreError;
use crate::store::StoredResponse;
use crate::store::db::conn::Tx;
use crate::store::write_options::idempotency::store_response;

/// The default: any version, no response to store.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions<'a> {
    /// The versions at which a client is changed or deleted.
    pub expected: ExpectedVersion,
    /// The response to store in the transaction. If one is stored for its key already, nothing is written.
    pub response: Option<&'a StoredResponse>,
}

impl WriteOptions<'_> {
    /// Stores the response, if there is one; false if the same request was answered before.
    pub(in crate::store) async fn store_response(
        &self,
        tx: &mut Tx<'_>,
    ) -> Result<bool, StoreError> {
        match self.response {
            Some(response) => store_response(tx, response).await,
            None => Ok(true),
        }
    }
}
