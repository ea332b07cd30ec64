//! Owns how counts are added to `usage_hours`, `usage_totals`, `last_uses` and `secret_hours`: to what is there, so that
//! those of several replicas add up.

use sqlx::AssertSqlSafe;

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, LastUse, SecretId, UsageCounts, UsageSpan};
use crate::store::{Store, StoreError, on_pool, placeholders};

/// What is to be added, some hundred rows at most: it is one statement.
#[derive(Clone, Debug)]
pub enum UsageRows {
    /// Of all clients together.
    Totals(Vec<((UsageSpan, UnixTime), UsageCounts)>),
    /// Of a client, or of no known one, in an hour.
    Clients(Vec<((Option<ClientId>, UnixTime), UsageCounts)>),
    /// When a client, or one of its secrets, was last used.
    LastUses(Vec<((ClientId, Option<SecretId>), LastUse)>),
    /// How often a secret was used in an hour.
    Secrets(Vec<((ClientId, SecretId, UnixTime), u64)>),
}

/// A column of a row that is to be added.
enum Cell {
    Text(String),
    Number(i64),
}

impl Store {
    /// Adds rows, all or none.
    pub async fn add_usage(&self, rows: &UsageRows) -> Result<(), StoreError> {
        let (insert, cells, on_conflict) = rows.statement();
        let count = cells.len();
        let Some(columns) = cells.first().map(Vec::len) else {
            return Ok(());
        };
        let places = placeholders(count, columns);
        on_pool!(self, |pool| {
            let sql = format!("insert into {insert} values {places} {on_conflict}");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for cell in cells.into_iter().flatten() {
                query = match cell {
                    Cell::Text(text) => query.bind(text),
                    Cell::Number(number) => query.bind(number),
                };
            }
            query.execute(pool).await.map(drop)
        })?;
        Ok(())
    }
}

impl UsageRows {
    /// The table with its columns, the rows, and what happens when there is one already.
    fn statement(&self) -> (&'static str, Vec<Vec<Cell>>, &'static str) {
        match self {
            Self::Totals(rows) => {
                let row = |((span, start), counts): &((UsageSpan, UnixTime), UsageCounts)| {
                    let key = [Cell::Number(span.seconds()), Cell::Number(start.0)];
                    key.into_iter().chain(cells(*counts)).collect()
                };
                (
                    "usage_totals (span, start, issued, refused, verified)",
                    rows.iter().map(row).collect(),
                    "on conflict (span, start) do update
                    set issued = usage_totals.issued + excluded.issued,
                        refused = usage_totals.refused + excluded.refused,
                        verified = usage_totals.verified + excluded.verified",
                )
            }
            Self::Clients(rows) => {
                let row = |((id, hour), counts): &((Option<ClientId>, UnixTime), UsageCounts)| {
                    let id = id.as_ref().map_or("", ClientId::as_str);
                    let key = [Cell::Text(id.to_owned()), Cell::Number(hour.0)];
                    key.into_iter().chain(cells(*counts)).collect()
                };
                (
                    "usage_hours (client_id, hour, issued, refused, verified)",
                    rows.iter().map(row).collect(),
                    "on conflict (client_id, hour) do update
                    set issued = usage_hours.issued + excluded.issued,
                        refused = usage_hours.refused + excluded.refused,
                        verified = usage_hours.verified + excluded.verified",
                )
            }
            Self::LastUses(rows) => {
                let row = |((id, secret), last): &((ClientId, Option<SecretId>), LastUse)| {
                    let secret = secret.as_ref().map_or("", SecretId::as_str);
                    vec![
                        Cell::Text(id.to_string()),
                        Cell::Text(secret.to_owned()),
                        Cell::Number(last.used_at.0),
                        Cell::Text(last.source.to_canonical().to_string()),
                    ]
                };
                (
                    "last_uses (client_id, secret_id, used_at, source)",
                    rows.iter().map(row).collect(),
                    "on conflict (client_id, secret_id) do update
                    set used_at = excluded.used_at, source = excluded.source
                    where last_uses.used_at <= excluded.used_at",
                )
            }
            Self::Secrets(rows) => {
                let row = |((id, secret, hour), uses): &((ClientId, SecretId, UnixTime), u64)| {
                    vec![
                        Cell::Text(id.to_string()),
                        Cell::Text(secret.to_string()),
                        Cell::Number(hour.0),
                        number(*uses),
                    ]
                };
                (
                    "secret_hours (client_id, secret_id, hour, uses)",
                    rows.iter().map(row).collect(),
                    "on conflict (client_id, secret_id, hour) do update
                    set uses = secret_hours.uses + excluded.uses",
                )
            }
        }
    }
}

fn cells(counts: UsageCounts) -> [Cell; 3] {
    [counts.issued, counts.refused, counts.verified].map(number)
}

fn number(count: u64) -> Cell {
    Cell::Number(i64::try_from(count).unwrap_or(i64::MAX))
}
