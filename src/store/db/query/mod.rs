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
    Arguments, AssertSqlSafe, Database, Encode, IntoArguments, Postgres, Sqlite, Type, query_with,
};

use crate::base::clock::UnixTime;
use crate::domain::{AdminName, ClientId, Generation, IssuerName, KeyId, SecretId, SessionId};
use crate::store::Result;
use crate::store::db::{Driver, Row, Session};

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
        ..query("")
    }
}

impl<'q> Query<'q> {
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

    pub(in crate::store) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    pub(in crate::store) fn push_bind(&mut self, value: Value<'q>) -> &mut Self {
        self.values.push(value);
        let place = format!("${}", self.values.len());
        self.sql.to_mut().push_str(&place);
        self
    }

    /// Appends a condition that ends with its value, if there is one.
    pub(in crate::store) fn push_some(
        &mut self,
        condition: &'static str,
        value: Option<&'q (impl ToValue + ?Sized)>,
    ) {
        if let Some(value) = value {
            self.push(condition).push_bind(value.to_value());
        }
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

    /// The statement of a driver.
    fn prepare<DB: Database>(self) -> sqlx::Result<sqlx::query::Query<'static, DB, DB::Arguments>>
    where
        DB::Arguments: IntoArguments<DB>,
        for<'t> Option<&'t str>: Encode<'t, DB> + Type<DB>,
        for<'t> Option<i64>: Encode<'t, DB> + Type<DB>,
        for<'t> bool: Encode<'t, DB> + Type<DB>,
    {
        let mut arguments = DB::Arguments::default();
        for value in &self.values {
            let added = match value {
                Value::Text(text) => arguments.add(text.as_deref()),
                Value::Number(number) => arguments.add(*number),
                Value::Flag(flag) => arguments.add(*flag),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        Ok(match self.sql {
            Cow::Borrowed(text) => query_with(text, arguments),
            Cow::Owned(text) => query_with(AssertSqlSafe(text), arguments),
        })
    }

    /// Runs it; how many rows it touched.
    pub(in crate::store) fn execute<'a>(self, on: &'a mut dyn Session) -> BoxFuture<'a, Result<u64>>
    where
        'q: 'a,
    {
        async move {
            let (driver, call) = on.parts();
            let is_prepared = self.is_prepared;
            let running = async {
                Ok(match driver {
                    Driver::Postgres(conn) => {
                        let query = self.prepare::<Postgres>()?.persistent(is_prepared);
                        query.execute(conn).await?.rows_affected()
                    }
                    Driver::Sqlite(conn) => {
                        let query = self.prepare::<Sqlite>()?;
                        query.execute(conn).await?.rows_affected()
                    }
                })
            };
            call.within(running).await
        }
        .boxed()
    }

    pub(in crate::store) async fn fetch_all<T: Send>(
        self,
        on: &mut dyn Session,
        mut read: impl FnMut(&Row) -> Result<T> + Send,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut each = |row: &Row| {
            all.push(read(row)?);
            Ok(())
        };
        self.for_each(on, &mut each).await?;
        Ok(all)
    }

    pub(in crate::store) async fn fetch_optional<T: Send>(
        self,
        on: &mut dyn Session,
        read: impl FnMut(&Row) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        Ok(self.fetch_all(on, read).await?.into_iter().next())
    }

    /// What `read` makes of the row that there always is.
    pub(in crate::store) async fn fetch_one<T: Send>(
        self,
        on: &mut dyn Session,
        read: impl FnMut(&Row) -> Result<T> + Send,
    ) -> Result<T> {
        let found = self.fetch_optional(on, read).await?;
        found.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Calls `each` with every row while the rows arrive.
    pub(in crate::store) fn for_each<'a>(
        self,
        on: &'a mut dyn Session,
        each: &'a mut (dyn FnMut(&Row) -> Result<()> + Send),
    ) -> BoxFuture<'a, Result<()>>
    where
        'q: 'a,
    {
        async move {
            let (driver, call) = on.parts();
            let is_prepared = self.is_prepared;
            let running = async {
                let mut rows = match driver {
                    Driver::Postgres(conn) => {
                        let query = self.prepare::<Postgres>()?.persistent(is_prepared);
                        query.fetch(conn).map_ok(Row::Postgres).boxed()
                    }
                    Driver::Sqlite(conn) => {
                        let query = self.prepare::<Sqlite>()?;
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

/// The value of each type, as `ToValue` says it.
macro_rules! impl_to_value {
    ($($type:ty => |$it:ident| $value:expr,)+) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value<'_> {
                let $it = self;
                $value
            }
        }
    )+};
}

impl_to_value! {
    str => |it| Value::Text(Some(Cow::Borrowed(it))),
    &str => |it| (**it).to_value(),
    String => |it| it.as_str().to_value(),
    Option<&str> => |it| Value::Text(it.map(Cow::Borrowed)),
    Option<String> => |it| Value::Text(it.as_deref().map(Cow::Borrowed)),
    i64 => |it| Value::Number(Some(*it)),
    u32 => |it| Value::Number(Some(i64::from(*it))),
    Option<i64> => |it| Value::Number(*it),
    bool => |it| Value::Flag(*it),
    UnixTime => |it| Value::Number(Some(it.0)),
    Option<UnixTime> => |it| Value::Number(it.map(|time| time.0)),
    Generation => |it| Value::Number(Some(it.number())),
    AdminName => |it| it.as_str().to_value(),
    ClientId => |it| it.as_str().to_value(),
    IssuerName => |it| it.as_str().to_value(),
    KeyId => |it| it.as_str().to_value(),
    SecretId => |it| it.as_str().to_value(),
    SessionId => |it| it.as_str().to_value(),
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
