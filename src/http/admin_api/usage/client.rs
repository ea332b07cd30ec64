//! `/clients/{client_id}/usage`: what a client does, by the hour, and when it last did.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{ClientId, UsageCounts, UsageIn};
use crate::http::admin_api::request::{InPath, Query};
use crate::http::openapi::AdminItemErrors;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::{AppState, response};

/// A day.
const DEFAULT_SPAN: i64 = 86_400;

/// From when on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Since {
    /// `2026-07-01T00:00:00Z`, or seconds since 1970; a day ago when left out
    #[param(nullable = false)]
    since: Option<String>,
}

/// What a client did.
#[derive(Serialize, ToSchema)]
struct Usage<'a> {
    #[schema(value_type = String)]
    client_id: &'a ClientId,
    /// When it last proved who it is; null: never, or not since that is counted
    #[schema(value_type = Option<i64>)]
    last_used_at: Option<UnixTime>,
    last_used_from: Option<String>,
    /// In all these hours
    #[schema(value_type = Counts)]
    total: UsageCounts,
    /// Those in which something happened, in order
    #[schema(value_type = Vec<HourOfUse>)]
    hours: &'a [UsageIn],
}

/// How often, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageCounts)]
struct Counts {
    /// Tokens that were given out
    issued: u64,
    /// Requests for a token, and log-ins, that were refused
    refused: u64,
    /// Tokens that were found good
    verified: u64,
}

/// An hour, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageHour)]
struct HourOfUse {
    /// The second in which it begins
    start: i64,
    issued: u64,
    refused: u64,
    verified: u64,
}

/// Shows what a client did, by the hour.
#[utoipa::path(get, path = "", tag = "Administration", params(Since, ProofHeader), responses(
    (status = 200, description = "by the hour", body = Usage, headers(("cache-control" = String))),
    AdminItemErrors,
))]
pub(in crate::http::admin_api) async fn show_usage(
    State(app): State<AppState>,
    id: Result<InPath<ClientId>, Error>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let (InPath(id), mut query) = (id?, query?);
    let since = query.take("since", moment)?;
    let since = since.unwrap_or_else(|| app.clock().now().plus(-DEFAULT_SPAN));
    query.end()?;

    app.clients.find(&id).await?;
    let hours = &app.usage.list_of_client(&id, since).await?;
    let last = app.usage.find_of_client(&id).await?.last;

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
    };
    Ok(response::json(StatusCode::OK, &usage))
}

/// A time in a query.
pub(in crate::http::admin_api) fn moment(text: &str) -> Result<UnixTime> {
    if let Ok(seconds) = text.parse() {
        return Ok(UnixTime(seconds));
    }
    text.parse().map_err(|_| {
        Error::invalid_request("a time is `2026-07-01T00:00:00Z`, or seconds since 1970")
    })
}
