//! Owns how many rows are read of which one is damaged: it is left out of what is found, and the log names it. Only where
//! a missing row lets nobody do more than before: a list, an export. What a verdict depends on fails instead.

use crate::base::redact::redact_string;
use crate::store::db::{Query, Row, Session};
use crate::store::{Result, StoreError};

/// Rows of a table with the column that names one of them.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct RowsOf {
    table: &'static str,
    key: &'static str,
}

impl RowsOf {
    pub(in crate::store) const fn new(table: &'static str, key: &'static str) -> Self {
        Self { table, key }
    }
}

/// What could be read.
#[derive(Debug)]
pub(in crate::store) struct Readable<T> {
    of: RowsOf,
    pub(in crate::store) rows: Vec<T>,
    pub(in crate::store) damaged: Vec<Damaged>,
}

/// A row that could not.
#[derive(Debug)]
pub(in crate::store) struct Damaged {
    pub(in crate::store) key: String,
    why: String,
}

impl Damaged {
    fn new(row: &Row, of: RowsOf, why: StoreError) -> Self {
        let key = row.get::<&str>(of.key).map(str::to_owned);
        let key = key.or_else(|_| row.get::<i64>(of.key).map(|key| key.to_string()));
        Self {
            // Whoever damaged the row may have written anything.
            key: redact_string(key.unwrap_or_default()),
            why: if let StoreError::Corrupt(why) = why {
                why
            } else {
                why.to_string()
            },
        }
    }

    fn into_error(self, of: RowsOf) -> StoreError {
        StoreError::Corrupt(format!("`{}` of `{}`: {}", self.key, of.table, self.why))
    }
}

impl<T> Readable<T> {
    pub(in crate::store) fn new(of: RowsOf) -> Self {
        Self {
            of,
            rows: Vec::new(),
            damaged: Vec::new(),
        }
    }

    pub(in crate::store) fn add_damaged(&mut self, row: &Row, why: StoreError) {
        self.damaged.push(Damaged::new(row, self.of, why));
    }

    /// Names what is left out.
    pub(in crate::store) fn log(&self) {
        for Damaged { key, why } in &self.damaged {
            tracing::error!(
                table = self.of.table,
                key,
                "skipped a damaged row of the database: {why}"
            );
        }
    }

    /// All rows; an error if one of them could not be read.
    pub(in crate::store) fn into_all(self) -> Result<Vec<T>> {
        match self.damaged.into_iter().next() {
            None => Ok(self.rows),
            Some(damaged) => Err(damaged.into_error(self.of)),
        }
    }

    /// What could be read. The log names the rest.
    pub(in crate::store) fn into_rows(self) -> Vec<T> {
        self.log();
        self.rows
    }
}

/// Reads on until a page is full of rows that can be read: who asks takes one that is not for the last.
#[derive(Debug)]
pub(in crate::store) struct FullPage {
    limit: u32,
    extra: u32,
}

impl FullPage {
    pub(in crate::store) fn of(limit: u32) -> Self {
        Self { limit, extra: 0 }
    }

    /// How many rows to ask for, from the same place as before.
    pub(in crate::store) fn asked(&self) -> u32 {
        self.limit.saturating_add(self.extra)
    }

    /// Whether that is enough; else more are to be asked for.
    pub(in crate::store) fn is_full<T>(&mut self, found: &mut Readable<T>) -> bool {
        let limit = self.limit as usize;
        let met = found.rows.len() + found.damaged.len();
        if found.rows.len() < limit && met >= self.asked() as usize {
            self.extra = u32::try_from(found.damaged.len()).unwrap_or(u32::MAX);
            return false;
        }
        found.rows.truncate(limit);
        true
    }
}

impl Query<'_> {
    /// What `read` makes of the rows, apart from those that it cannot read.
    pub(in crate::store) async fn fetch_readable<T: Send>(
        self,
        on: &mut dyn Session,
        of: RowsOf,
        mut read: impl FnMut(&Row) -> Result<T> + Send,
    ) -> Result<Readable<T>> {
        let mut found = Readable::new(of);
        let mut each = |row: &Row| {
            match read(row) {
                Ok(read) => found.rows.push(read),
                Err(why) => found.add_damaged(row, why),
            }
            Ok(())
        };
        self.for_each(on, &mut each).await?;
        Ok(found)
    }

    /// What `read` makes of the rows that it can read. The log names the rest.
    pub(in crate::store) async fn fetch_undamaged<T: Send>(
        self,
        on: &mut dyn Session,
        of: RowsOf,
        read: impl FnMut(&Row) -> Result<T> + Send,
    ) -> Result<Vec<T>> {
        Ok(self.fetch_readable(on, of, read).await?.into_rows())
    }
}

/// The error of a row that must not be left out, with what names it.
pub(in crate::store) fn in_row(row: &Row, of: RowsOf, why: StoreError) -> StoreError {
    Damaged::new(row, of, why).into_error(of)
}
