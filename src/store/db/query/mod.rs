//! Owns how a statement is put together and run on either product. The text is never made of values: it is pushed as
//! `&'static str`, and every value is bound.

pub(in crate::store) mod row;
pub(in crate::store) mod statement;
pub(in crate::store) mod table_row;

use std::borrow::Cow;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use serde::{Serialize, Serializer};
use sqlx::{
    Arguments, AssertSqlSafe, Database, Encode, Postgres, SqlSafeStr, SqlStr, Sqlite, Type,
    query_with,
};

use crate::base::clock::UnixTime;
use crate::domain::{AdminName, ClientId, Generation, IssuerName, KeyId, SecretId, SessionId};
use crate::store::StoreError;
use crate::store::db::conn::{Driver, Session};
use crate::store::db::query::row::Row;

/// A statement with its values.
pub(in crate::store) struct Query<'q> {
    sql: Cow<'static, str>,
    values: Vec<Value<'q>>,
    is_prepared: bool,
}

/// A value of a type that both products have.
pub(in crate::store) enum Value<'q> {
    Text(Option<Cow<'q, str>>),
    Number(Option<i64>),
    Flag(bool),
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
            Self::Flag(flag) => flag.serialize(serializer),
        }
    }
}

/// What can be bound to a statement.
pub(in crate::store) trait ToValue: Sync {
    fn to_value(&self) -> Value<'_>;
}

/// A statement, its values `$1`, `$2` and so on.
pub(in crate::store) fn query<'q>(sql: &'static str) -> Query<'q> {
    Query {
        sql: Cow::Borrowed(sql),
        values: Vec::new(),
        is_prepared: true,
    }
}

/// `select COLUMNS …`: the columns of one or more tables, then the rest of the statement.
pub(in crate::store) fn select<'q>(columns: &[&'static str], rest: &'static str) -> Query<'q> {
    Query {
        sql: Cow::Owned(format!("select {} {rest}", columns.join(", "))),
        values: Vec::new(),
        is_prepared: true,
    }
}

impl<'q> Query<'q> {
    /// The next values.
    pub(in crate::store) fn bind(mut self, values: &[&'q dyn ToValue]) -> Self {
        self.values
            .extend(values.iter().map(|value| value.to_value()));
        self
    }

    /// Has Postgres plan the statement for these values each time. A prepared statement that ran some times gets one plan for
    /// any values.
    pub(in crate::store) fn unprepared(mut self) -> Self {
        self.is_prepared = false;
        self
    }

    /// Appends to the text.
    pub(in crate::store) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Appends the next value.
    pub(in crate::store) fn push_bind(&mut self, value: Value<'q>) -> &mut Self {
        self.values.push(value);
        let place = format!("${}", self.values.len());
        self.sql.to_mut().push_str(&place);
        self
    }

    /// Appends values in parentheses: `($1, $2)`.
    pub(in crate::store) fn push_list(
        &mut self,
        values: impl IntoIterator<Item = Value<'q>>,
    ) -> &mut Self {
        self.push("(");
        let mut before = "";
        for value in values {
            self.push(before).push_bind(value);
            before = ", ";
        }
        self.push(")")
    }

    /// Appends the values of rows: `($1, $2), ($3, $4)`.
    pub(in crate::store) fn push_rows<R: IntoIterator<Item = Value<'q>>>(
        &mut self,
        rows: impl IntoIterator<Item = R>,
    ) -> &mut Self {
        let mut before = "";
        for row in rows {
            self.push(before).push_list(row);
            before = ", ";
        }
        self
    }

    /// Runs it; how many rows it touched.
    pub(in crate::store) fn execute<'a>(
        self,
        on: &'a mut dyn Session,
    ) -> BoxFuture<'a, Result<u64, StoreError>>
    where
        'q: 'a,
    {
        async move {
            let (driver, call) = on.parts();
            let running = async {
                Ok(match driver {
                    Driver::Postgres(conn) => {
                        let query = query_with(sql(self.sql), arguments::<Postgres>(&self.values)?)
                            .persistent(self.is_prepared);
                        query.execute(conn).await?.rows_affected()
                    }
                    Driver::Sqlite(conn) => {
                        let query = query_with(sql(self.sql), arguments::<Sqlite>(&self.values)?);
                        query.execute(conn).await?.rows_affected()
                    }
                })
            };
            call.within(running).await
        }
        .boxed()
    }

    /// What `read` makes of each row.
    pub(in crate::store) async fn fetch_all<T: Send>(
        self,
        on: &mut dyn Session,
        mut read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        let mut each = |row: &Row| {
            all.push(read(row)?);
            Ok(())
        };
        self.for_each(on, &mut each).await?;
        Ok(all)
    }

    /// What `read` makes of the row, if there is one.
    pub(in crate::store) async fn fetch_optional<T: Send>(
        self,
        on: &mut dyn Session,
        read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch_all(on, read).await?.into_iter().next())
    }

    /// What `read` makes of the row that there always is.
    pub(in crate::store) async fn fetch_one<T: Send>(
        self,
        on: &mut dyn Session,
        read: impl FnMut(&Row) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let found = self.fetch_optional(on, read).await?;
        found.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Calls `each` with every row while the rows arrive.
    pub(in crate::store) fn for_each<'a>(
        self,
        on: &'a mut dyn Session,
        each: &'a mut (dyn FnMut(&Row) -> Result<(), StoreError> + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>
    where
        'q: 'a,
    {
        async move {
            let (driver, call) = on.parts();
            let running = async {
                let mut rows = match driver {
                    Driver::Postgres(conn) => {
                        let query = query_with(sql(self.sql), arguments::<Postgres>(&self.values)?)
                            .persistent(self.is_prepared);
                        query.fetch(conn).map_ok(Row::Postgres).boxed()
                    }
                    Driver::Sqlite(conn) => {
                        let query = query_with(sql(self.sql), arguments::<Sqlite>(&self.values)?);
                        query.fetch(conn).map_ok(Row::Sqlite).boxed()
                    }
                };
                while let Some(row) = rows.try_next().await? {
                    each(&row)?;
                }
                Ok(())
            };
            call.within(running).await
        }
        .boxed()
    }
}

fn sql(text: Cow<'static, str>) -> SqlStr {
    match text {
        Cow::Borrowed(text) => text.into_sql_str(),
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

fn arguments<DB: Database>(values: &[Value<'_>]) -> sqlx::Result<DB::Arguments>
where
    for<'t> Option<&'t str>: Encode<'t, DB> + Type<DB>,
    for<'t> Option<i64>: Encode<'t, DB> + Type<DB>,
    for<'t> bool: Encode<'t, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    for value in values {
        let added = match value {
            Value::Text(text) => arguments.add(text.as_deref()),
            Value::Number(number) => arguments.add(*number),
            Value::Flag(flag) => arguments.add(*flag),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Some(Cow::Borrowed(self)))
    }
}

impl ToValue for &str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Some(Cow::Borrowed(self)))
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Some(Cow::Borrowed(self)))
    }
}

impl ToValue for Option<&str> {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.map(Cow::Borrowed))
    }
}

impl ToValue for Option<String> {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_deref().map(Cow::Borrowed))
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value<'_> {
        Value::Number(Some(*self))
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value<'_> {
        Value::Number(Some(i64::from(*self)))
    }
}

impl ToValue for Option<i64> {
    fn to_value(&self) -> Value<'_> {
        Value::Number(*self)
    }
}

impl ToValue for UnixTime {
    fn to_value(&self) -> Value<'_> {
        Value::Number(Some(self.0))
    }
}

impl ToValue for Option<UnixTime> {
    fn to_value(&self) -> Value<'_> {
        Value::Number(self.map(|time| time.0))
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Flag(*self)
    }
}

impl ToValue for AdminName {
    fn to_value(&self) -> Value<'_> {
        self.as_str().to_value()
    }
}

impl ToValue for Generation {
    fn to_value(&self) -> Value<'_> {
        Value::Number(Some(self.number()))
    }
}

impl ToValue for ClientId {
    fn to_value(&self) -> Value<'_> {
        self.as_str().to_value()
    }
}

impl ToValue for IssuerName {
    fn to_value(&self) -> Value<'_> {
        self.as_str().to_value()
    }
}

impl ToValue for KeyId {
    fn to_value(&self) -> Value<'_> {
        self.as_str().to_value()
    }
}

impl ToValue for SecretId {
    fn to_value(&self) -> Value<'_> {
        self.as_str().to_value()
    }
}

impl ToValue for SessionId {
    fn to_value(&self) -> Value<'_> {
        self.as_str().to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_through_the_whole_statement() {
        let mut query = query("insert into t (a, b) values ");
        query.push_rows([["x", "y"], ["z", "it's"]].map(|row| row.map(|text| text.to_value())));
        query
            .push(" on conflict do nothing returning ")
            .push_bind(7_i64.to_value());
        assert_eq!(
            query.sql,
            "insert into t (a, b) values ($1, $2), ($3, $4) on conflict do nothing returning $5"
        );
        assert_eq!(query.values.len(), 5);
    }

    #[test]
    fn columns_are_selected_in_their_order() {
        let query = select(&["a.x, a.y", "b.z"], "from a join b using (x) where y = $1");
        assert_eq!(
            query.sql,
            "select a.x, a.y, b.z from a join b using (x) where y = $1"
        );
    }
}
