//! The audit trail: searched, exported, verified.

mod sentence;

use std::collections::BTreeMap;
use std::future::ready;

use askama::Template;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{AuditFilter, AuditFormat, AuditLine, AuditPage, AuditVerdict, ChainedEvent};
use crate::base::clock::UnixTime;
use crate::domain::{Action, Actor, AuditEvent, ClientId};
use crate::http::Params;
use crate::http::portal::access::{Form, PortalRequest, Viewer, filled_in};
use crate::http::portal::audit::sentence::Sentence;
use crate::http::portal::clients::form::pretty;
use crate::http::portal::links::{EXPLAIN, encoded, path_of};
use crate::http::portal::page::fields::{read_span, read_time};
use crate::http::portal::page::{self, Exactly, Grouped, Layout};
use crate::http::response::download::audit_export;

const PATH: &str = "/admin/audit";

/// Events of one page.
const LIMIT: u32 = 50;

/// The fields of a search.
const FIELDS: [&str; 7] = [
    "actor_type",
    "actor",
    "action",
    "client_id",
    "since",
    "until",
    "last",
];

/// Spans of time that end now, to choose from in the place of two times.
const PRESETS: [(&str, &str); 5] = [
    ("", "All time"),
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
];

/// A search, as typed.
struct Search(BTreeMap<&'static str, String>);

impl Search {
    fn read(query: &mut Params) -> Self {
        let mut text = |name| query.take(name).unwrap_or_default().trim().to_owned();
        Self(FIELDS.map(|name| (name, text(name))).into())
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str, word: &str) -> bool {
        self.text(name) == word
    }

    fn filter(&self, now: UnixTime) -> Result<AuditFilter> {
        let field = |name| filled_in(self.text(name));
        let actor_type = field("actor_type");
        if actor_type.is_some_and(|kind| !Actor::KINDS.contains(&kind)) {
            let kinds = Actor::KINDS.join("`, `");
            let description = format!("the type of an actor must be one of `{kinds}`");
            return Err(Error::invalid_request(description));
        }
        let last = field("last").map(read_span).transpose()?;
        let since = field("since").map(read_time).transpose()?;
        Ok(AuditFilter {
            actor_type: actor_type.map(str::to_owned),
            actor: field("actor").map(str::to_owned),
            action: field("action").map(Action::parse_kind).transpose()?,
            client_id: field("client_id").map(ClientId::parse).transpose()?,
            since: last.map(|seconds| now.plus(-seconds)).or(since),
            until: field("until").map(read_time).transpose()?,
        })
    }

    fn query(&self) -> String {
        let filled = self.0.iter().filter(|(_, value)| !value.is_empty());
        let pairs = filled.map(|(name, value)| format!("{name}={}&", encoded(value)));
        format!("?{}", pairs.collect::<String>())
    }

    /// The query of the same search over another span of time.
    fn over(&self, last: &str) -> String {
        let mut other = Self(self.0.clone());
        for name in ["since", "until"] {
            other.0.insert(name, String::new());
        }
        other.0.insert("last", last.to_owned());
        other.query()
    }
}

/// An event, as the page shows it.
struct Row {
    event: AuditEvent,
    sentence: Sentence,
    /// The line of an export, to be copied.
    line: String,
}

impl Row {
    fn of(chained: ChainedEvent) -> Result<Self> {
        let line = AuditLine::of(&chained).and_then(|line| serde_json::to_string(&line));
        Ok(Self {
            line: line.map_err(Error::internal)?,
            sentence: Sentence::of(&chained.event),
            event: chained.event,
        })
    }
}

#[derive(Template)]
#[template(path = "audit/audit.html")]
struct AuditTemplate {
    layout: Layout,
    search: Search,
    query: String,
    actions: Vec<String>,
    rows: Vec<Row>,
    is_first: bool,
    next: Option<i64>,
}

page::pages!(AuditTemplate, VerifyPage);

/// Shows the events that the search selects, the newest first.
pub(super) async fn show_audit(mut request: PortalRequest<Viewer>) -> Result<Response> {
    let search = Search::read(&mut request.query);
    let before = request.query.take("before");
    let before = before.map(|it| it.parse::<i64>()).transpose();
    let before =
        before.map_err(|_| Error::invalid_request("`before` must be the number of an event"))?;
    let app = &request.app;
    let mut page = AuditTemplate {
        layout: request.layout("Audit", PATH),
        query: search.query(),
        actions: actions(),
        rows: Vec::new(),
        is_first: before.is_none(),
        next: None,
        search,
    };
    let filter = match page.search.filter(app.clock().now()) {
        Ok(filter) => filter,
        Err(error) => return Ok(page::with_problem(page, error)),
    };
    // One more tells whether there is another page.
    let part = AuditPage::Before(before);
    let mut events = app.audit.list(&filter, part, LIMIT + 1).await?;
    let has_more = events.len() > LIMIT as usize;
    events.truncate(LIMIT as usize);
    let last = events.last().filter(|_| has_more);
    page.next = last.map(|row| row.event.event_id);
    page.rows = events.into_iter().map(Row::of).collect::<Result<_>>()?;
    Ok(page::show(&page))
}

/// Every action, and before the actions of a kind the kind.
fn actions() -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for action in Action::ALL {
        let word = action.as_str();
        let kind = word.split_once('.').map_or(word, |(kind, _)| kind);
        let kind = format!("{kind}.");
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
        kinds.push(word.to_owned());
    }
    kinds
}

/// Exports the events that the search selects, the oldest first.
pub(super) async fn export_audit(request: PortalRequest<Viewer>) -> Result<Response> {
    let PortalRequest { app, mut query, .. } = request;
    let format: AuditFormat = query.take("format").unwrap_or_default().parse()?;
    let filter = Search::read(&mut query).filter(app.clock().now())?;
    let mut response = audit_export(app, filter, format).await?;
    let name = match format {
        AuditFormat::Json => "attachment; filename=\"audit.jsonl\"",
        AuditFormat::Csv => "attachment; filename=\"audit.csv\"",
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    Ok(response)
}

#[derive(Template)]
#[template(path = "audit/audit_verify.html")]
struct VerifyPage {
    layout: Layout,
    known: String,
    verdict: Option<AuditVerdict>,
}

fn verify_page(request: &PortalRequest<Viewer>, known: String) -> VerifyPage {
    VerifyPage {
        layout: request.layout("Verify the audit trail", "/admin/audit/verify"),
        known,
        verdict: None,
    }
}

pub(super) async fn show_verify(request: PortalRequest<Viewer>) -> Response {
    page::show(&verify_page(&request, String::new()))
}

/// Verifies that nobody changed, removed, inserted or moved an event. By POST, for it reads all of them.
pub(super) async fn verify(request: PortalRequest<Viewer>, mut form: Form) -> Result<Response> {
    let mut page = verify_page(&request, form.take("known"));
    let verified = async {
        let known = filled_in(&page.known).map(str::parse).transpose()?;
        request.app.audit.verify(known.as_ref()).await
    };
    match verified.await {
        Ok(verdict) => {
            page.verdict = Some(verdict);
            Ok(page::show(&page))
        }
        Err(error) => page::again(error, ready(Ok(page))).await,
    }
}
