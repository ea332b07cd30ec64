//! `/clients/{client_id}/usage`: what a client does, by the hour, and when it last did.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::ListedIdentity;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{ClientId, ExchangeUsage, UsageCounts, UsageIn};
use crate::http::admin_api::request::InPath;
use crate::http::request::query::{Query, time};
use crate::http::{AppState, response};

/// A day.
const DEFAULT_SPAN: i64 = 86_400;

/// From when on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http::admin_api) struct Since {
    /// `2026-07-01T00:00:00Z`, or seconds since 1970; by default a day ago
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>)]
    since: Option<UnixTime>,
}

/// The usage of a client.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientUsage)]
struct Usage<'a> {
    client_id: &'a ClientId,
    /// Its last login; null: never, or not since the server has counted usage
    last_used_at: Option<UnixTime>,
    last_used_from: Option<String>,
    /// The sum of all these hours
    total: UsageCounts,
    /// The hours with usage, in order
    hours: &'a [UsageIn],
    /// The number of its exchanges (RFC 8693) for each target, the most frequent first
    exchanges: &'a [ExchangeUsage],
    /// Its identities, and when each was last used
    identities: Vec<ListedIdentity<'a>>,
}

/// Shows the usage of a client, by the hour.
#[utoipa::path(get, path = "", params(Since), responses(
    (status = 200, description = "one entry for each hour", body = Usage),
))]
pub(in crate::http::admin_api) async fn show_client_usage(
    State(app): State<AppState>,
    InPath(id): InPath<ClientId>,
    Query(Since { since }): Query<Since>,
) -> Result<Response> {
    let since = since.unwrap_or_else(|| app.clock().now().plus(-DEFAULT_SPAN));

    let client = app.clients.find(&id).await?.client;
    let hours = &app.usage.list_of_client(&id, since).await?;
    let uses = app.usage.find_of_client(&id).await?;
    let last = uses.last;

    let mut total = UsageCounts::default();
    for hour in hours {
        total.add(hour.counts);
    }
    let usage = Usage {
        client_id: &id,
        last_used_at: last.map(|last| last.used_at),
        last_used_from: last.map(|last| last.source.to_string()),
        total,
        hours,
        exchanges: &app.usage.list_exchanges(&id, since).await?,
        identities: ListedIdentity::list(&client.authentication.identities, &uses),
    };
    Ok(response::ok(&usage))
}
