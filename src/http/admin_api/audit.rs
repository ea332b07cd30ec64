//! `/audit`: the trail of everything that was changed.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::error::{Error, Result};
use crate::app::{AuditFilter, AuditFormat, AuditLine, AuditPage, ChainLink};
use crate::domain::{Action, Actor, ClientId};
use crate::http::admin_api::request::Query;
use crate::http::admin_api::usage::client::moment;
use crate::http::openapi::AdminListErrors;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::response::download::audit_export;
use crate::http::{AppState, response};

/// Which events.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Filter {
    /// `cli`, `admin`, `client` or `server`
    #[param(nullable = false)]
    actor_type: Option<String>,
    /// By the actor of this name
    #[param(nullable = false)]
    actor: Option<String>,
    /// What was done: `client.create`, or all of a kind: `client.`
    #[param(nullable = false)]
    action: Option<String>,
    /// About this client
    #[param(nullable = false)]
    client_id: Option<String>,
    /// Then or later: `2026-07-01T00:00:00Z`, or seconds since 1970
    #[param(nullable = false)]
    since: Option<String>,
    /// Before
    #[param(nullable = false)]
    until: Option<String>,
}

/// Which of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Page {
    /// Only those before this one: `next` of the page before
    #[param(nullable = false)]
    before: Option<i64>,
    /// At most so many: 1 to 1000, else 100
    #[param(nullable = false)]
    limit: Option<u32>,
}

/// A page of events, the newest first.
#[derive(Serialize, ToSchema)]
struct Events<'a> {
    #[schema(value_type = Vec<EventAnswer>)]
    events: Vec<AuditLine<'a>>,
    /// For the next page, as `before`; null: this is the last
    next: Option<i64>,
}

/// An event, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEvent)]
struct EventAnswer {
    /// Its place in the chain
    event_id: i64,
    at: i64,
    /// `cli`, `admin`, `client` or `server`
    actor_type: String,
    actor: String,
    /// From which address
    source: Option<String>,
    request_id: Option<String>,
    action: String,
    target_type: String,
    target: String,
    /// The client that it concerns
    client_id: Option<String>,
    /// What there was; of a change only what differs
    #[schema(value_type = Option<Object>)]
    before: (),
    /// What there is
    #[schema(value_type = Option<Object>)]
    after: (),
    /// Of itself and the event before it
    hash: String,
}

/// How they are written.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Format {
    /// `json` for JSON lines, or `csv`; `json` when left out
    #[param(nullable = false)]
    format: Option<String>,
}

/// What has to be there still.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Query` is read for, for the document")]
struct Known {
    /// `event_id` and `hash` of `last` of an earlier answer: `42:9f86…`. Without it nobody can tell whether the newest events
    /// were cut off
    #[param(nullable = false)]
    known: Option<String>,
}

/// A place in the trail, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditLink)]
struct Link {
    /// 0: before the first event
    event_id: i64,
    hash: String,
}

/// What is wrong, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditBreak)]
struct Break {
    event_id: i64,
    reason: String,
}

/// What a walk along the trail showed, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditVerdict)]
struct VerdictAnswer {
    /// Whether the trail is as the server wrote it
    good: bool,
    /// How many events were looked at
    checked: u64,
    /// The last event that was removed by age, before the first one that is there
    anchor: Link,
    /// The last event: keep it elsewhere, as `known` of a later check
    last: Link,
    /// The event by which an operator accepted all before it by hand (`audit accept-head`); those are not verified
    accepted_at: Option<i64>,
    /// The first thing that is wrong
    broken: Option<Break>,
}

/// Lists events, the newest first.
#[utoipa::path(get, path = "", tag = "Administration", params(Filter, Page, ProofHeader), responses(
    (status = 200, description = "a page of them", body = Events, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(super) async fn list_events(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let filter = take_filter(&mut query)?;
    let before = query.take("before", event_id)?;
    let limit = query.take_limit()?;
    query.end()?;

    // One more than wanted, which is not shown, says that there is a next page.
    let page = AuditPage::Before(before);
    let found = app.audit.list(&filter, page, limit + 1).await?;

    let shown = &found[..found.len().min(limit as usize)];
    let last = shown.last().filter(|_| found.len() > shown.len());
    let events: Result<Vec<AuditLine>, _> = shown.iter().map(AuditLine::of).collect();
    let events = Events {
        events: events.map_err(Error::internal)?,
        next: last.map(|row| row.event.event_id),
    };
    Ok(response::json(StatusCode::OK, &events))
}

/// Writes events out, the oldest first, as JSON lines or as CSV.
#[utoipa::path(get, path = "", tag = "Administration", params(Filter, Format, ProofHeader), responses(
    (status = 200, description = "an event a line", headers(("cache-control" = String)), content(
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    )),
    AdminListErrors,
))]
pub(super) async fn export_events(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let filter = take_filter(&mut query)?;
    let format = query.take("format", |text| Ok(text.parse::<AuditFormat>()?))?;
    query.end()?;

    audit_export(app, filter, format.unwrap_or(AuditFormat::Json)).await
}

/// Checks that nobody changed, removed, added or moved an event.
#[utoipa::path(get, path = "", tag = "Administration", params(Known, ProofHeader), responses(
    (status = 200, description = "what a walk along the whole trail showed", body = VerdictAnswer,
        headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(super) async fn verify_trail(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let known = query.take("known", |text| Ok(text.parse::<ChainLink>()?))?;
    query.end()?;

    let verdict = app.audit.verify(known.as_ref()).await?;

    Ok(response::json(StatusCode::OK, &verdict))
}

fn take_filter(query: &mut Query) -> Result<AuditFilter> {
    let text = |text: &str| Ok(text.to_owned());
    Ok(AuditFilter {
        actor_type: query.take("actor_type", |kind| {
            if Actor::KINDS.contains(&kind) {
                return Ok(kind.to_owned());
            }
            Err(Error::invalid_request(
                "`actor_type` is `cli`, `admin`, `client` or `server`",
            ))
        })?,
        actor: query.take("actor", text)?,
        action: query.take("action", |action| Ok(Action::parse_kind(action)?))?,
        client_id: query.take("client_id", |id| Ok(ClientId::parse(id)?))?,
        since: query.take("since", moment)?,
        until: query.take("until", moment)?,
    })
}

fn event_id(text: &str) -> Result<i64> {
    text.parse()
        .map_err(|_| Error::invalid_request("`before` is the number of an event"))
}
