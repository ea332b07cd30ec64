//! Owns the highest `spiffe_sequence` of each trust domain's bundle that any replica has seen.

use std::collections::HashMap;

use crate::domain::IssuerName;
use crate::store::db::query::row::Row;
use crate::store::{Store, StoreError};

impl Store {
    /// The sequences of the issuers that have one.
    pub async fn list_spiffe_sequences(&self) -> Result<HashMap<IssuerName, i64>, StoreError> {
        const SQL: &str = "
            select name, spiffe_sequence
            from trusted_issuers
            where spiffe_sequence is not null";
        let read = |row: &Row| Ok((row.parse("name")?, row.get("spiffe_sequence")?));
        let found = self.fetch_all(SQL, &[], read).await?;
        Ok(found.into_iter().collect())
    }

    /// Raises the sequence of an issuer to one that was seen, unless it is as high; the highest one then. `None`: there is no
    /// such issuer.
    pub async fn raise_spiffe_sequence(
        &self,
        name: &IssuerName,
        seen: i64,
    ) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "
            update trusted_issuers
            set spiffe_sequence = $2
            where name = $1 and (spiffe_sequence is null or spiffe_sequence < $2)";
        // Nearly every fetch brings the bundle of before, which writes nothing.
        let known = self.find_spiffe_sequence(name).await?;
        if known.is_some_and(|known| known >= seen) {
            return Ok(known);
        }
        self.execute(SQL, &[name, &seen]).await?;
        self.find_spiffe_sequence(name).await
    }

    async fn find_spiffe_sequence(&self, name: &IssuerName) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "select spiffe_sequence from trusted_issuers where name = $1";
        let read = |row: &Row| row.get("spiffe_sequence");
        let found = self.fetch_optional(SQL, &[name], read).await?;
        Ok(found.flatten())
    }
}
