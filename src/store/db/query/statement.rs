//! Owns the short form of one statement: on a connection of its own, or in a transaction. On a connection of its own only
//! `execute` may write.

use crate::store::db::{Row, ToValue, Tx, query};
use crate::store::{Result, Store};

/// The short forms, with the sessions on which they write and read.
macro_rules! short_forms {
    (($($receiver:tt)+), $write:expr, $read:expr) => {
        /// Runs a statement; how many rows it touched.
        pub(in crate::store) async fn execute(
            $($receiver)+,
            sql: &'static str,
            values: &[&dyn ToValue],
        ) -> Result<u64> {
            query(sql).bind(values).execute($write).await
        }

        /// What `read` makes of each row.
        pub(in crate::store) async fn fetch_all<T: Send>(
            $($receiver)+,
            sql: &'static str,
            values: &[&dyn ToValue],
            read: impl FnMut(&Row) -> Result<T> + Send,
        ) -> Result<Vec<T>> {
            query(sql).bind(values).fetch_all($read, read).await
        }

        /// What `read` makes of the first row, if there is one.
        pub(in crate::store) async fn fetch_optional<T: Send>(
            $($receiver)+,
            sql: &'static str,
            values: &[&dyn ToValue],
            read: impl FnMut(&Row) -> Result<T> + Send,
        ) -> Result<Option<T>> {
            query(sql).bind(values).fetch_optional($read, read).await
        }

        /// What `read` makes of the row that a statement always finds.
        pub(in crate::store) async fn fetch_one<T: Send>(
            $($receiver)+,
            sql: &'static str,
            values: &[&dyn ToValue],
            read: impl FnMut(&Row) -> Result<T> + Send,
        ) -> Result<T> {
            query(sql).bind(values).fetch_one($read, read).await
        }
    };
}

impl Store {
    short_forms!(
        (&self),
        &mut self.acquire().await?,
        &mut self.acquire_read().await?
    );
}

impl Tx<'_> {
    short_forms!((&mut self), self, self);
}
