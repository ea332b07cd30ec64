//! `/usage`: what all clients did together, and who did most and wasted most.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::ExcessSpan;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{ExcessTokens, UsageIn, UsageOf, UsageSpan};
use crate::http::request::query::{Query, time};
use crate::http::{AppState, response};

const HOUR: i64 = 3_600;

/// Which spans of time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http::admin_api) struct Spans {
    /// `minute`, of which the last three hours are kept, or `hour`; `hour` when left out
    #[param(inline)]
    by: Option<UsageSpan>,
    /// `2026-07-01T00:00:00Z`, or seconds since 1970; an hour ago by the minute, a day ago by the hour when left out
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>)]
    since: Option<UnixTime>,
}

/// Over which time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http::admin_api) struct Over {
    /// `24h` or `30d`; `24h` when left out
    #[param(inline)]
    over: Option<ExcessSpan>,
}

/// What all clients did together.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageTotals)]
struct Totals<'a> {
    /// Those in which something happened, in order
    spans: &'a [UsageIn],
}

/// Who did most in 24 hours.
#[derive(Serialize, ToSchema)]
#[schema(as = BusiestClients)]
struct Top<'a> {
    /// When it was counted: that is kept for about a minute
    counted_at: UnixTime,
    /// By the tokens that they were issued, 50 at most
    most_active: &'a [UsageOf],
    /// By what was refused in their names, 50 at most
    most_failing: &'a [UsageOf],
}

/// Who wastes most.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientsWithExcessTokens)]
struct ExcessTokensList<'a> {
    /// When it was counted: that is kept for a minute, or of 30 days for half an hour
    counted_at: UnixTime,
    /// Those that were issued most tokens more than they needed, worst first, 50 at most
    clients: &'a [ExcessTokens],
}

/// Shows what all clients did together, by the minute or by the hour.
#[utoipa::path(get, path = "", params(Spans), responses(
    (status = 200, description = "by the span", body = Totals),
))]
pub(in crate::http::admin_api) async fn show_usage_totals(
    State(app): State<AppState>,
    Query(Spans { by, since }): Query<Spans>,
) -> Result<Response> {
    let by = by.unwrap_or(UsageSpan::Hour);
    let usual = match by {
        UsageSpan::Minute => HOUR,
        UsageSpan::Hour => 24 * HOUR,
    };
    let since = since.unwrap_or_else(|| app.clock().now().plus(-usual));

    let spans = &app.usage.list(by, since).await?;

    Ok(response::ok(&Totals { spans }))
}

/// Shows the clients that did most and failed most in 24 hours.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the first of both lists", body = Top),
))]
pub(in crate::http::admin_api) async fn list_busiest_clients(
    State(app): State<AppState>,
) -> Result<Response> {
    let found = app.usage.find_busiest_clients().await?;
    let top = Top {
        counted_at: found.at,
        most_active: &found.value.active,
        most_failing: &found.value.failing,
    };
    Ok(response::ok(&top))
}

/// Shows the clients that are issued most tokens more than they need.
#[utoipa::path(get, path = "", params(Over), responses(
    (status = 200, description = "worst first", body = ExcessTokensList),
))]
pub(in crate::http::admin_api) async fn list_excess_tokens(
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
