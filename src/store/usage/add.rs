//! Owns how counts are added to `usage_hours`, `usage_totals`, `last_used`, `last_identity_use`, `secret_hours` and `exchange_hours`: to what is there, so that
//! those of several replicas add up.

use crate::base::clock::UnixTime;
use crate::domain::{
    Audience, ClientId, IdentityDigest, IdentityUse, LastUsed, SecretId, UsageCounts, UsageSpan,
};
use crate::store::db::query::{ToValue, Value, query};
use crate::store::{Store, StoreError};

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
    pub async fn add_usage(&self, rows: &UsageRows) -> Result<(), StoreError> {
        let ((columns, on_conflict), cells) = (rows.target(), rows.cells());
        if cells.is_empty() {
            return Ok(());
        }
        let mut query = query("insert into ");
        query.push(columns).push(" values ");
        query.push_rows(cells).push(on_conflict);
        query.execute(&mut self.acquire().await?).await?;
        Ok(())
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
            Self::Totals(rows) => rows.iter().map(totals_row).collect(),
            Self::Clients(rows) => rows.iter().map(client_row).collect(),
            Self::LastUses(rows) => rows.iter().map(last_use_row).collect(),
            Self::Identities(rows) => rows.iter().map(identity_row).collect(),
            Self::Secrets(rows) => rows.iter().map(secret_row).collect(),
            Self::Exchanges(rows) => rows.iter().map(exchange_row).collect(),
        }
    }
}

fn totals_row(((span, start), counts): &((UsageSpan, UnixTime), UsageCounts)) -> Vec<Value<'_>> {
    let span = Value::Number(Some(span.seconds()));
    with_counts([span, start.to_value()], *counts)
}

fn client_row(
    ((id, hour), counts): &((Option<ClientId>, UnixTime), UsageCounts),
) -> Vec<Value<'_>> {
    let id = id.as_ref().map_or("", ClientId::as_str);
    with_counts([id.to_value(), hour.to_value()], *counts)
}

fn last_use_row(((id, secret), last): &((ClientId, Option<SecretId>), LastUsed)) -> Vec<Value<'_>> {
    let secret = secret.as_ref().map_or("", SecretId::as_str);
    let (id, secret) = (id.to_value(), secret.to_value());
    vec![id, secret, last.used_at.to_value(), source(*last)]
}

fn secret_row(
    ((id, secret, hour), uses): &((ClientId, SecretId, UnixTime), u64),
) -> Vec<Value<'_>> {
    let (id, secret) = (id.to_value(), secret.to_value());
    vec![id, secret, hour.to_value(), count(*uses)]
}

fn exchange_row(
    ((id, target, hour), exchanges): &((ClientId, Audience, UnixTime), u64),
) -> Vec<Value<'_>> {
    let (id, target) = (id.to_value(), target.as_str().to_value());
    vec![id, target, hour.to_value(), count(*exchanges)]
}

fn identity_row(
    ((id, identity), used): &((ClientId, IdentityDigest), IdentityUse),
) -> Vec<Value<'_>> {
    vec![
        id.to_value(),
        identity.as_str().to_value(),
        used.issuer.to_value(),
        used.subject.to_value(),
        used.last.used_at.to_value(),
        source(used.last),
    ]
}

fn source(last: LastUsed) -> Value<'static> {
    let source = last.source.to_canonical().to_string();
    Value::Text(Some(source.into()))
}

fn with_counts(key: [Value<'_>; 2], counts: UsageCounts) -> Vec<Value<'_>> {
    let counts = [counts.issued, counts.refused, counts.verified];
    key.into_iter().chain(counts.map(count)).collect()
}

fn count(count: u64) -> Value<'static> {
    Value::Number(Some(i64::try_from(count).unwrap_or(i64::MAX)))
}
