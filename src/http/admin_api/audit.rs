//! `/audit`: the trail of everything that was changed.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::error::{Error, Result};
use crate::app::{AuditFilter, AuditFormat, AuditLine, AuditPage, AuditVerdict, ChainLink};
use crate::base::clock::UnixTime;
use crate::domain::{Action, Actor, ClientId};
use crate::http::request::query::{DEFAULT_LIMIT, Query, limit, parse_with, parsed, time};
use crate::http::response::download::audit_export;
use crate::http::{AppState, response};

/// Which events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// `cli`, `admin`, `client` or `server`
    #[serde(default, deserialize_with = "actor_type")]
    actor_type: Option<String>,
    /// Only events of the actor with this name
    actor: Option<String>,
    /// What was done: `client.create`, or all of a kind: `client.`
    #[serde(default, deserialize_with = "action")]
    action: Option<String>,
    /// Only events about this client
    #[param(value_type = Option<String>)]
    client_id: Option<ClientId>,
    /// The earliest time: `2026-07-01T00:00:00Z`, or seconds since 1970
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>)]
    since: Option<UnixTime>,
    /// Only events before this time
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>)]
    until: Option<UnixTime>,
}

fn actor_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    parse_with(deserializer, |text| {
        let kind = Actor::KINDS.into_iter().find(|kind| *kind == text);
        kind.map(str::to_owned)
            .ok_or("`actor_type` must be `cli`, `admin`, `client` or `server`")
    })
}

fn action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    parse_with(deserializer, Action::parse_kind)
}

impl From<Filter> for AuditFilter {
    fn from(filter: Filter) -> Self {
        Self {
            actor_type: filter.actor_type,
            actor: filter.actor,
            action: filter.action,
            client_id: filter.client_id,
            since: filter.since,
            until: filter.until,
        }
    }
}

/// Which of them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Continue before this event: `next` of the previous page
    #[serde(default, deserialize_with = "event_id")]
    before: Option<i64>,
    /// The most results
    #[serde(default, deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

fn event_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    parse_with(deserializer, |text| {
        text.parse()
            .map_err(|_| "`before` must be the number of an event")
    })
}

/// How they are written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Format {
    /// `json` for JSON lines, or `csv`; by default `json`
    #[param(inline)]
    format: Option<AuditFormat>,
}

/// What is known of the trail.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Known {
    /// An event that the trail must contain, with its hash: `last` of an earlier verification, as `42:9f86…`
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    known: Option<ChainLink>,
}

/// A page of events, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEvents)]
struct Events<'a> {
    events: Vec<AuditLine<'a>>,
    /// For the next page, as `before`; null: this is the last
    next: Option<i64>,
}

/// Lists events, the newest first.
#[utoipa::path(get, path = "", params(Filter, Page), responses(
    (status = 200, description = "one page", body = Events),
))]
pub(super) async fn list_audit_events(
    State(app): State<AppState>,
    Query((filter, page)): Query<(Filter, Page)>,
) -> Result<Response> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT);
    // One more than wanted, which is not shown, says that there is a next page.
    let page = AuditPage::Before(page.before);
    let filter = filter.into();
    let found = app.audit.list(&filter, page, limit + 1).await?;

    let shown = &found[..found.len().min(limit as usize)];
    let last = shown.last().filter(|_| found.len() > shown.len());
    let events: Result<Vec<AuditLine>, _> = shown.iter().map(AuditLine::of).collect();
    let events = Events {
        events: events.map_err(Error::internal)?,
        next: last.map(|row| row.event.event_id),
    };
    Ok(response::ok(&events))
}

/// Exports events, the oldest first, as JSON lines or CSV.
#[utoipa::path(get, path = "", params(Filter, Format), responses(
    (status = 200, description = "one event a line", content(
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    )),
))]
pub(super) async fn export_audit_events(
    State(app): State<AppState>,
    Query((filter, Format { format })): Query<(Filter, Format)>,
) -> Result<Response> {
    audit_export(app, filter.into(), format.unwrap_or(AuditFormat::Json)).await
}

/// Checks that nobody changed, removed, added or moved an event.
#[utoipa::path(get, path = "", params(Known), responses(
    (status = 200, description = "the result of verifying the whole trail", body = AuditVerdict),
))]
pub(super) async fn verify_audit_trail(
    State(app): State<AppState>,
    Query(Known { known }): Query<Known>,
) -> Result<Response> {
    let verdict = app.audit.verify(known.as_ref()).await?;

    Ok(response::ok(&verdict))
}
