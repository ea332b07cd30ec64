//! Owns how rows are inserted that are described once: by their table, and their columns with the values. Both forms of an
//! insert follow from that: with a bound value for each column, and from JSON in a statement that does more.

use serde::ser::Error as _;
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

fn column_names<R: TableRow>() -> Vec<&'static str> {
    R::COLUMNS.split(", ").collect()
}

struct JsonRow<'a, R>(&'a R);

impl<R: TableRow> Serialize for JsonRow<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (columns, values) = (column_names::<R>(), self.0.values());
        if columns.len() != values.len() {
            return Err(S::Error::custom(format!(
                "a row of `{}` has {} columns and {} values",
                R::TABLE,
                columns.len(),
                values.len()
            )));
        }
        serializer.collect_map(columns.into_iter().zip(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UnixTime;
    use crate::domain::audit::chain::ChainedEvent;
    use crate::domain::{
        Action, AuditEvent, Change, ClientId, Generation, NewEvent, Origin, RejectedRequest,
        Revocation, RevocationId, Revoked, Target,
    };
    use crate::store::StoreError;
    use crate::store::db::query::ToValue;
    use crate::store::replication::changes::ChangeRow;

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

    #[test]
    fn a_row_without_a_value_for_each_column_is_refused() {
        struct Short;

        impl TableRow for Short {
            const TABLE: &'static str = "t";
            const COLUMNS: &'static str = "a, b";

            fn values(&self) -> Vec<Value<'_>> {
                vec![7_i64.to_value()]
            }
        }

        let refused = json_rows(&[Short]);
        assert!(matches!(refused, Err(StoreError::Database(_))));
    }

    #[test]
    fn every_row_has_a_value_for_each_column() {
        fn check<R: TableRow>(row: &R) {
            let names = column_names::<R>();
            assert_eq!(names.len(), row.values().len(), "{}", R::TABLE);
            let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(names.iter().all(is_name), "{names:?}");
        }

        let client_id = ClientId::parse("billing").unwrap();
        let at = UnixTime(7);
        check(&ChangeRow {
            change_id: 1,
            change: Change::Client(client_id.clone()),
        });
        check(&Revocation {
            revocation_id: RevocationId(1),
            client_id,
            revoked: Revoked::Client(Generation::at(at)),
            revoked_at: at,
            expires_at: at,
        });
        check(&RejectedRequest {
            request_id: "r".to_owned(),
            at,
            route: "/token".to_owned(),
            client_id: None,
            hint: String::new(),
            source: "192.0.2.1".to_owned(),
            error: "invalid_client".to_owned(),
            reason: "no such client".to_owned(),
        });
        let event = NewEvent::new(Action::ClockConfirm, Target::Clock);
        check(&ChainedEvent {
            event: AuditEvent::new(1, Origin::SERVER.at(at), event),
            hash: String::new(),
            mac: String::new(),
            key_id: String::new(),
        });
    }
}
