//! `/audit`: the trail of everything that was changed.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::body::Query;
use super::usage::moment;
use crate::app::{AuditFilter, AuditLine, AuditPage};
use crate::domain::{Action, Actor, ClientId};
use crate::error::{Error, Result};
use crate::http::openapi::AdminListErrors;
use crate::http::sender::ProofHeader;
use crate::http::{AppState, answer};

/// Events that an export reads at once.
const BATCH: u32 = 1_000;

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
    let found = app.list_audit_events(&filter, page, limit + 1).await?;

    let shown = &found[..found.len().min(limit as usize)];
    let last = shown.last().filter(|_| found.len() > shown.len());
    let events: Result<Vec<AuditLine>, _> = shown.iter().map(AuditLine::of).collect();
    let events = Events {
        events: events.map_err(Error::internal)?,
        next: last.map(|row| row.event.event_id),
    };
    Ok(answer::json(StatusCode::OK, &events))
}

/// Writes events out as JSON lines, the oldest first.
#[utoipa::path(get, path = "", tag = "Administration", params(Filter, ProofHeader), responses(
    (status = 200, description = "an event a line", headers(("cache-control" = String)),
        body = String, content_type = "application/x-ndjson"),
    AdminListErrors,
))]
pub(super) async fn export_events(
    State(app): State<AppState>,
    query: Result<Query, Error>,
) -> Result<Response> {
    let mut query = query?;
    let filter = take_filter(&mut query)?;
    query.end()?;

    // The first ones before the answer begins: an error can still be told then.
    let (first, after) = batch(&app, &filter, 0).await?;

    let rest = stream::try_unfold(after, move |after| {
        let (app, filter) = (app.clone(), filter.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let (lines, after) = batch(&app, &filter, after).await?;
            Ok::<_, Error>(Some((lines, after)))
        }
    });
    let lines = stream::once(async { Ok(first) });
    let body = Body::from_stream(futures_util::StreamExt::chain(lines, rest));
    Ok(answer::secret(StatusCode::OK, "application/x-ndjson", body))
}

/// The next lines after an event, and after which to go on, if there may be more.
async fn batch(app: &AppState, filter: &AuditFilter, after: i64) -> Result<(Bytes, Option<i64>)> {
    let page = AuditPage::After(after);
    let rows = app.list_audit_events(filter, page, BATCH).await?;
    let lines = AuditLine::join(&rows).map_err(Error::internal)?;
    let last = rows.last().filter(|_| rows.len() == BATCH as usize);
    Ok((Bytes::from(lines), last.map(|row| row.event.event_id)))
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
