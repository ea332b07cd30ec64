//! Owns how rows are inserted that are described once: by their table, and their columns with the values. Both forms of an
//! insert follow from that: with a bound value for each column, and from JSON in a statement that does more.

use serde::{Serialize, Serializer};

use crate::store::Result;
use crate::store::db::{Session, Value, query};

/// Rows of one statement.
pub(in crate::store) const ROWS: usize = 500;

pub(in crate::store) trait TableRow {
    const TABLE: &'static str;

    /// In the order of the values. Every insert names them: a later release may add a column while older replicas write.
    const COLUMNS: &'static str;

    /// What ends an insert: what becomes of a row that is there. Empty: it is a conflict.
    const ON_CONFLICT: &'static str = "";

    fn values(&self) -> Vec<Value<'_>>;
}

/// Inserts rows, so many by one statement that none runs for long.
pub(in crate::store) async fn insert_rows<R: TableRow>(
    on: &mut dyn Session,
    rows: &[R],
) -> Result<()> {
    for rows in rows.chunks(ROWS) {
        let mut query = query("insert into ");
        query.push(R::TABLE).push(" (").push(R::COLUMNS);
        query.push(") values ");
        query.push_rows(rows.iter().map(R::values));
        query.push(R::ON_CONFLICT);
        query.execute(on).await?;
    }
    Ok(())
}

/// The text of an insert on Postgres of the rows that are [`json_rows`] in the value `place`, once for each row of `from`.
pub(in crate::store) fn insert_from_json<R: TableRow>(from: &str, place: &str) -> String {
    let (table, columns) = (R::TABLE, R::COLUMNS);
    format!(
        "insert into {table} ({columns})
        select {columns}
        from {from}, json_populate_recordset(null::{table}, {place}::json){}",
        R::ON_CONFLICT
    )
}

/// Rows as one value, so that the statement has the same text, and stays prepared, whatever their number.
pub(in crate::store) fn json_rows<R: TableRow>(rows: &[R]) -> Result<String> {
    to_json(&rows.iter().map(JsonRow).collect::<Vec<_>>())
}

pub(in crate::store) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()).into())
}

struct JsonRow<'a, R>(&'a R);

impl<R: TableRow> Serialize for JsonRow<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(R::COLUMNS.split(", ").zip(self.0.values()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::query::ToValue;

    struct Row(&'static str, Option<i64>);

    impl TableRow for Row {
        const TABLE: &'static str = "t";
        const COLUMNS: &'static str = "a, b";
        const ON_CONFLICT: &'static str = " on conflict do nothing";

        fn values(&self) -> Vec<Value<'_>> {
            vec![self.0.to_value(), self.1.to_value()]
        }
    }

    #[test]
    fn both_forms_of_an_insert_name_each_column_once() {
        let text = insert_from_json::<Row>("moved", "$9");
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            "insert into t (a, b) select a, b from moved, json_populate_recordset(null::t, $9::json) on conflict do nothing"
        );
        assert_eq!(
            json_rows(&[Row("it's \"x\"", Some(7)), Row("", None)]).unwrap(),
            r#"[{"a":"it's \"x\"","b":7},{"a":"","b":null}]"#
        );
    }
}
