//! `/usage`: what all clients did together, and who did most and wasted most.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::ExcessSpan;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{TokenWaste, UsageIn, UsageOf, UsageSpan};
use crate::http::admin_api::request::Query;
use crate::http::admin_api::usage::client::moment;
use crate::http::openapi::AdminListErrors;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::{AppState, response};

const HOUR: i64 = 3_600;

/// Which spans of time.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Spans {
    /// `minute`, of which the last three hours are kept, or `hour`; `hour` when left out
    #[param(nullable = false)]
    by: Option<String>,
    /// `2026-07-01T00:00:00Z`, or seconds since 1970; an hour ago by the minute, a day ago by the hour when left out
    #[param(nullable = false)]
    since: Option<String>,
}

/// Over which time.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Over {
    /// `24h` or `30d`; `24h` when left out
    #[param(nullable = false)]
    over: Option<String>,
}

/// What all clients did together.
#[derive(Serialize, ToSchema)]
struct Totals<'a> {
    /// Those in which something happened, in order
    #[schema(value_type = Vec<SpanOfUse>)]
    spans: &'a [UsageIn],
}

/// A span of time, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageSpan)]
pub(in crate::http::admin_api) struct SpanOfUse {
    /// The second in which it begins
    start: i64,
    issued: u64,
    refused: u64,
    verified: u64,
}

/// Who did most in 24 hours.
#[derive(Serialize, ToSchema)]
struct Top<'a> {
    /// When it was counted: that is kept for about a minute
    #[schema(value_type = i64)]
    counted_at: UnixTime,
    /// By the tokens that they were issued, 50 at most
    #[schema(value_type = Vec<ClientUse>)]
    most_active: &'a [UsageOf],
    /// By what was refused in their names, 50 at most
    #[schema(value_type = Vec<ClientUse>)]
    most_failing: &'a [UsageOf],
}

/// What a client did, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientUsage)]
pub(in crate::http::admin_api) struct ClientUse {
    client_id: String,
    issued: u64,
    refused: u64,
    verified: u64,
}

/// Who wastes most.
#[derive(Serialize, ToSchema)]
struct Wasted<'a> {
    /// When it was counted: that is kept for a minute, or of 30 days for half an hour
    #[schema(value_type = i64)]
    counted_at: UnixTime,
    /// Those that were issued most tokens more than they needed, worst first, 50 at most
    #[schema(value_type = Vec<ClientWaste>)]
    clients: &'a [TokenWaste],
}

/// What a client was issued and needed, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenWaste)]
struct ClientWaste {
    client_id: String,
    /// Seconds
    token_ttl: i64,
    /// Tokens in an hour; null: any number
    token_quota: Option<u32>,
    issued: u64,
    /// One for each lifetime in which it was issued one; for a client that runs once
    needed: u64,
}

/// Shows what all clients did together, by the minute or by the hour.
#[utoipa::path(get, path = "", tag = "Administration", params(Spans, ProofHeader), responses(
    (status = 200, description = "by the span", body = Totals, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(in crate::http::admin_api) async fn show_totals(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let by = query.take("by", |text| Ok(UsageSpan::parse(text)?))?;
    let by = by.unwrap_or(UsageSpan::Hour);
    let usual = match by {
        UsageSpan::Minute => HOUR,
        UsageSpan::Hour => 24 * HOUR,
    };
    let since = query.take("since", moment)?;
    let since = since.unwrap_or_else(|| app.clock().now().plus(-usual));
    query.end()?;

    let spans = &app.usage.list(by, since).await?;

    Ok(response::json(StatusCode::OK, &Totals { spans }))
}

/// Shows the clients that did most and failed most in 24 hours.
#[utoipa::path(get, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "the first of both lists", body = Top, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(in crate::http::admin_api) async fn show_top(State(app): State<AppState>) -> Result<Response> {
    let found = app.usage.find_busiest_clients().await?;
    let top = Top {
        counted_at: found.at,
        most_active: &found.value.active,
        most_failing: &found.value.failing,
    };
    Ok(response::json(StatusCode::OK, &top))
}

/// Shows the clients that are issued most tokens more than they need.
#[utoipa::path(get, path = "", tag = "Administration", params(Over, ProofHeader), responses(
    (status = 200, description = "worst first", body = Wasted, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(in crate::http::admin_api) async fn show_waste(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let over = query.take("over", |text| Ok(text.parse::<ExcessSpan>()?))?;
    query.end()?;

    let found = app
        .usage
        .find_excess_tokens(over.unwrap_or(ExcessSpan::Day))
        .await?;

    let wasted = Wasted {
        counted_at: found.at,
        clients: &found.value,
    };
    Ok(response::json(StatusCode::OK, &wasted))
}
