//! Owns the short form of one statement: on a connection of its own, or in a transaction. On a connection of its own only
//! `execute` may write.

use crate::store::db::conn::Tx;
use crate::store::db::query::row::Row;
use crate::store::db::query::{ToValue, query};
use crate::store::{Store, StoreError};

impl Store {
    /// Runs a statement on a connection of its own; how many rows it touched.
    pub(in crate::store) async fn execute(
        &self,
        sql: &'static str,
        values: &[&dyn ToValue],
    ) -> Result<u64, StoreError> {
        query(sql)
            .bind(values)
            .execute(&mut self.acquire().await?)
            .await
    }

    /// What `read` makes of each row that a statement on a connection of its own finds.
    pub(in crate::store) async fn fetch_all<T: Send>(
        &self,
        sql: &'static str,
        values: &[&dyn ToValue],
        read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        query(sql)
            .bind(values)
            .fetch_all(&mut self.acquire_read().await?, read)
            .await
    }

    /// What `read` makes of the row that a statement on a connection of its own finds, if there is one.
    pub(in crate::store) async fn fetch_optional<T: Send>(
        &self,
        sql: &'static str,
        values: &[&dyn ToValue],
        read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<Option<T>, StoreError> {
        query(sql)
            .bind(values)
            .fetch_optional(&mut self.acquire_read().await?, read)
            .await
    }

    /// What `read` makes of the row that a statement on a connection of its own always finds.
    pub(in crate::store) async fn fetch_one<T: Send>(
        &self,
        sql: &'static str,
        values: &[&dyn ToValue],
        read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        query(sql)
            .bind(values)
            .fetch_one(&mut self.acquire_read().await?, read)
            .await
    }
}

impl Tx<'_> {
    /// Runs a statement; how many rows it touched.
    pub(in crate::store) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[&dyn ToValue],
    ) -> Result<u64, StoreError> {
        query(sql).bind(values).execute(self).await
    }

    /// What `read` makes of each row that a statement finds.
    pub(in crate::store) async fn fetch_all<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[&dyn ToValue],
        read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        query(sql).bind(values).fetch_all(self, read).await
    }

    /// What `read` makes of the row that a statement finds, if there is one.
    pub(in crate::store) async fn fetch_optional<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[&dyn ToValue],
        read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<Option<T>, StoreError> {
        query(sql).bind(values).fetch_optional(self, read).await
    }

    /// What `read` makes of the row that a statement always finds.
    pub(in crate::store) async fn fetch_one<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[&dyn ToValue],
        read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        query(sql).bind(values).fetch_one(self, read).await
    }
}
