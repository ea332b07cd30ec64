//! `/clients/{client_id}/usage`: what a client does, by the hour, and when it last did; `/usage`: the sum of all
//! clients, the busiest clients and excess tokens; `/overview`: how the service is, as the portal's first page shows it.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::error::Result;
use crate::app::{COUNTING_PATIENCE, ExcessSpan, ListedIdentity, Overview};
use crate::base::clock::UnixTime;
use crate::domain::{
    ClientId, ExcessTokens, ExchangeUsage, UsageCounts, UsageIn, UsageOf, UsageSpan,
};
use crate::http::admin_api::request::InPath;
use crate::http::request::query::{Query, time};
use crate::http::{AppState, response};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// From when on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
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
pub(super) async fn show_client_usage(
    State(app): State<AppState>,
    InPath(id): InPath<ClientId>,
    Query(Since { since }): Query<Since>,
) -> Result<Response> {
    let since = since.unwrap_or_else(|| app.clock().now().plus(-DAY));

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

/// Which spans of time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Spans {
    /// `minute` (for the last three hours), or `hour`; by default `hour`
    #[param(inline)]
    by: Option<UsageSpan>,
    /// `2026-07-01T00:00:00Z`, or seconds since 1970; by default an hour ago for minutes, a day ago for hours
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>)]
    since: Option<UnixTime>,
}

/// Over which time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Over {
    /// `24h` or `30d`; by default `24h`
    #[param(inline)]
    over: Option<ExcessSpan>,
}

/// The usage of all clients together.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageTotals)]
struct Totals<'a> {
    /// The hours with usage, in order
    spans: &'a [UsageIn],
}

/// The busiest clients of 24 hours.
#[derive(Serialize, ToSchema)]
#[schema(as = BusiestClients)]
struct Top<'a> {
    /// The time of the count, which is cached for about a minute
    counted_at: UnixTime,
    /// By issued tokens, 50 at most
    most_active: &'a [UsageOf],
    /// By refusals, 50 at most
    most_failing: &'a [UsageOf],
}

/// The clients with the most excess tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientsWithExcessTokens)]
struct ExcessTokensList<'a> {
    /// The time of the count, which is cached for a minute (30 days: half an hour)
    counted_at: UnixTime,
    /// The clients with the most excess tokens, worst first, 50 at most
    clients: &'a [ExcessTokens],
}

/// Shows the usage of all clients together, by the minute or by the hour.
#[utoipa::path(get, path = "", params(Spans), responses(
    (status = 200, description = "one entry for each minute or hour", body = Totals),
))]
pub(super) async fn show_usage_totals(
    State(app): State<AppState>,
    Query(Spans { by, since }): Query<Spans>,
) -> Result<Response> {
    let by = by.unwrap_or(UsageSpan::Hour);
    let usual = match by {
        UsageSpan::Minute => HOUR,
        UsageSpan::Hour => DAY,
    };
    let since = since.unwrap_or_else(|| app.clock().now().plus(-usual));

    let spans = &app.usage.list(by, since).await?;

    Ok(response::ok(&Totals { spans }))
}

/// Shows the busiest and the most failing clients of 24 hours.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the first entries of both lists", body = Top),
))]
pub(super) async fn list_busiest_clients(State(app): State<AppState>) -> Result<Response> {
    let found = app.usage.find_busiest_clients().await?;
    let top = Top {
        counted_at: found.at,
        most_active: &found.value.active,
        most_failing: &found.value.failing,
    };
    Ok(response::ok(&top))
}

/// Shows the clients with the most excess tokens.
#[utoipa::path(get, path = "", params(Over), responses(
    (status = 200, description = "the clients with the most excess tokens first", body = ExcessTokensList),
))]
pub(super) async fn list_excess_tokens(
    State(app): State<AppState>,
    Query(Over { over }): Query<Over>,
) -> Result<Response> {
    let found = app
        .usage
        .find_excess_tokens(over.unwrap_or(ExcessSpan::Day))
        .await?;

    let wasted = ExcessTokensList {
        counted_at: found.at,
        clients: &found.value,
    };
    Ok(response::ok(&wasted))
}

/// Shows usage, secrets and keys that expire soon, the busiest clients, and the replicas.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the state of the service", body = Overview),
))]
pub(super) async fn show_overview(State(app): State<AppState>) -> Result<Response> {
    let overview = app.overview(COUNTING_PATIENCE).await?;
    Ok(response::ok(&overview))
}
