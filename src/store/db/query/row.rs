//! Owns how a row of either product is read, column by column.

use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type};

use crate::base::clock::UnixTime;
use crate::domain::{Generation, ParseError};
use crate::store::StoreError;

/// A row of a result.
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
    /// The value of a column.
    pub(in crate::store) fn get<'r, T>(&'r self, column: impl Column) -> Result<T, StoreError>
    where
        T: Decode<'r, Postgres> + Type<Postgres> + Decode<'r, Sqlite> + Type<Sqlite>,
    {
        Ok(match self {
            Self::Postgres(row) => row.try_get(column)?,
            Self::Sqlite(row) => row.try_get(column)?,
        })
    }

    /// The text of a column, parsed.
    pub(in crate::store) fn parse<T>(&self, column: impl Column) -> Result<T, StoreError>
    where
        T: FromStr<Err = ParseError>,
    {
        Ok(self.get::<&str>(column)?.parse()?)
    }

    /// The text of a column, parsed where there is one.
    pub(in crate::store) fn parse_optional<T>(
        &self,
        column: impl Column,
    ) -> Result<Option<T>, StoreError>
    where
        T: FromStr<Err = ParseError>,
    {
        let text: Option<&str> = self.get(column)?;
        Ok(text.map(str::parse).transpose()?)
    }

    /// The time in a column.
    pub(in crate::store) fn time(&self, column: impl Column) -> Result<UnixTime, StoreError> {
        Ok(UnixTime(self.get(column)?))
    }

    /// The time in a column that may have none.
    pub(in crate::store) fn optional_time(
        &self,
        column: impl Column,
    ) -> Result<Option<UnixTime>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(UnixTime))
    }

    /// The generation in a column.
    pub(in crate::store) fn generation(
        &self,
        column: impl Column,
    ) -> Result<Generation, StoreError> {
        Ok(Generation::from_number(self.get(column)?)?)
    }

    /// A number that is never below zero.
    pub(in crate::store) fn count(&self, column: impl Column) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.get::<i64>(column)?).unwrap_or_default())
    }
}
