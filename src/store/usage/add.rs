//! Owns how counts are added to `usage_hours`, `usage_totals`, `last_used`, `last_identity_use`, `secret_hours` and `exchange_hours`: to what is there, so that
//! those of several replicas add up.

use crate::base::clock::UnixTime;
use crate::domain::{
    Audience, ClientId, IdentityDigest, IdentityUse, LastUsed, SecretId, UsageCounts, UsageSpan,
};
use crate::store::db::{ToValue, Value, query};
use crate::store::{Result, Store};

/// What is to be added, some hundred rows at most: it is one statement.
#[derive(Clone, Debug)]
pub enum UsageRows {
    /// Of all clients together.
    Totals(Vec<((UsageSpan, UnixTime), UsageCounts)>),
    /// Of a client, or of no known one, in an hour.
    Clients(Vec<((Option<ClientId>, UnixTime), UsageCounts)>),
    /// When a client, or one of its secrets, was last used.
    LastUses(Vec<((ClientId, Option<SecretId>), LastUsed)>),
    /// When an identity of a client was last used.
    Identities(Vec<((ClientId, IdentityDigest), IdentityUse)>),
    /// How often a secret was used in an hour.
    Secrets(Vec<((ClientId, SecretId, UnixTime), u64)>),
    /// How often a client exchanged a token for a target in an hour.
    Exchanges(Vec<((ClientId, Audience, UnixTime), u64)>),
}

impl Store {
    /// Adds rows, all or none.
    pub async fn add_usage(&self, rows: &UsageRows) -> Result<()> {
        let cells = rows.cells();
        if cells.is_empty() {
            return Ok(());
        }
        let (columns, on_conflict) = rows.target();
        let mut query = query("insert into ");
        query.push(columns).push(" values ");
        query.push_rows(cells).push(on_conflict);
        query.execute(&mut self.acquire().await?).await.map(drop)
    }
}

impl UsageRows {
    /// The table with its columns, and what happens where there is a row already.
    fn target(&self) -> (&'static str, &'static str) {
        match self {
            Self::Totals(_) => (
                "usage_totals (span, start, issued, refused, verified)",
                " on conflict (span, start) do update
                set issued = usage_totals.issued + excluded.issued,
                    refused = usage_totals.refused + excluded.refused,
                    verified = usage_totals.verified + excluded.verified",
            ),
            Self::Clients(_) => (
                "usage_hours (client_id, hour, issued, refused, verified)",
                " on conflict (client_id, hour) do update
                set issued = usage_hours.issued + excluded.issued,
                    refused = usage_hours.refused + excluded.refused,
                    verified = usage_hours.verified + excluded.verified",
            ),
            Self::LastUses(_) => (
                "last_used (client_id, secret_id, used_at, source)",
                " on conflict (client_id, secret_id) do update
                set used_at = excluded.used_at, source = excluded.source
                where last_used.used_at <= excluded.used_at",
            ),
            Self::Identities(_) => (
                "last_identity_use (client_id, identity, issuer, subject, used_at, source)",
                " on conflict (client_id, identity) do update
                set subject = excluded.subject, used_at = excluded.used_at, source = excluded.source
                where last_identity_use.used_at <= excluded.used_at",
            ),
            Self::Secrets(_) => (
                "secret_hours (client_id, secret_id, hour, uses)",
                " on conflict (client_id, secret_id, hour) do update
                set uses = secret_hours.uses + excluded.uses",
            ),
            Self::Exchanges(_) => (
                "exchange_hours (client_id, target, hour, exchanges)",
                " on conflict (client_id, target, hour) do update
                set exchanges = exchange_hours.exchanges + excluded.exchanges",
            ),
        }
    }

    /// The values of each row, in the order of the columns.
    fn cells(&self) -> Vec<Vec<Value<'_>>> {
        match self {
            Self::Totals(rows) => each(rows, |((span, start), counts)| {
                with_counts(
                    [Value::Number(Some(span.seconds())), start.to_value()],
                    counts,
                )
            }),
            Self::Clients(rows) => each(rows, |((id, hour), counts)| {
                let id = id.as_ref().map_or("", ClientId::as_str);
                with_counts([id.to_value(), hour.to_value()], counts)
            }),
            Self::LastUses(rows) => each(rows, |((id, secret), last)| {
                let secret = secret.as_ref().map_or("", SecretId::as_str);
                vec![
                    id.to_value(),
                    secret.to_value(),
                    last.used_at.to_value(),
                    source(last),
                ]
            }),
            Self::Identities(rows) => each(rows, |((id, identity), used)| {
                vec![
                    id.to_value(),
                    identity.as_str().to_value(),
                    used.issuer.to_value(),
                    used.subject.to_value(),
                    used.last.used_at.to_value(),
                    source(&used.last),
                ]
            }),
            Self::Secrets(rows) => each(rows, |((id, secret, hour), uses)| {
                vec![
                    id.to_value(),
                    secret.to_value(),
                    hour.to_value(),
                    count(*uses),
                ]
            }),
            Self::Exchanges(rows) => each(rows, |((id, target, hour), exchanges)| {
                let target = target.as_str().to_value();
                vec![id.to_value(), target, hour.to_value(), count(*exchanges)]
            }),
        }
    }
}

fn each<'r, R>(rows: &'r [R], cells: impl Fn(&'r R) -> Vec<Value<'r>>) -> Vec<Vec<Value<'r>>> {
    rows.iter().map(cells).collect()
}

fn source(last: &LastUsed) -> Value<'static> {
    let source = last.source.to_canonical().to_string();
    Value::Text(Some(source.into()))
}

fn with_counts<'r>(key: [Value<'r>; 2], counts: &UsageCounts) -> Vec<Value<'r>> {
    let counts = [counts.issued, counts.refused, counts.verified];
    key.into_iter().chain(counts.map(count)).collect()
}

fn count(count: u64) -> Value<'static> {
    Value::Number(Some(i64::try_from(count).unwrap_or(i64::MAX)))
}
