//! Owns how a row of either product is read, column by column.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type};

use crate::base::clock::UnixTime;
use crate::base::json;
use crate::domain::{Generation, ParseError};
use crate::store::{Result, StoreError};

pub(in crate::store) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

/// The name of a column, or its place.
pub(in crate::store) trait Column:
    ColumnIndex<PgRow> + ColumnIndex<SqliteRow>
{
}

impl<C: ColumnIndex<PgRow> + ColumnIndex<SqliteRow>> Column for C {}

impl Row {
    pub(in crate::store) fn get<'r, T>(&'r self, column: impl Column) -> Result<T>
    where
        T: Decode<'r, Postgres> + Type<Postgres> + Decode<'r, Sqlite> + Type<Sqlite>,
    {
        Ok(match self {
            Self::Postgres(row) => row.try_get(column)?,
            Self::Sqlite(row) => row.try_get(column)?,
        })
    }

    pub(in crate::store) fn parse<T>(&self, column: impl Column) -> Result<T>
    where
        T: FromStr<Err = ParseError>,
    {
        Ok(self.get::<&str>(column)?.parse()?)
    }

    pub(in crate::store) fn parse_optional<T>(&self, column: impl Column) -> Result<Option<T>>
    where
        T: FromStr<Err = ParseError>,
    {
        let text: Option<&str> = self.get(column)?;
        Ok(text.map(str::parse).transpose()?)
    }

    pub(in crate::store) fn time(&self, column: impl Column) -> Result<UnixTime> {
        Ok(UnixTime(self.get(column)?))
    }

    pub(in crate::store) fn optional_time(&self, column: impl Column) -> Result<Option<UnixTime>> {
        Ok(self.get::<Option<i64>>(column)?.map(UnixTime))
    }

    pub(in crate::store) fn generation(&self, column: impl Column) -> Result<Generation> {
        Ok(Generation::from_number(self.get(column)?)?)
    }

    /// The value in a column of JSON.
    pub(in crate::store) fn json<T: DeserializeOwned>(&self, column: impl Column) -> Result<T> {
        let value = json::from_str(self.get(column)?);
        value.map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    /// A number that is never below zero.
    pub(in crate::store) fn count(&self, column: impl Column) -> Result<u64> {
        Ok(u64::try_from(self.get::<i64>(column)?).unwrap_or_default())
    }
}
