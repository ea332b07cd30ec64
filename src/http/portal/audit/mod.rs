//! The audit trail: to look through, and to take away.

use askama::Template;
use axum::extract::State;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderValue, Uri};
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{AuditFilter, AuditFormat, AuditPage, AuditVerdict};
use crate::base::clock::UnixTime;
use crate::domain::{Action, Actor, AuditEvent, ClientId};
use crate::http::portal::access::form::{Form, filled_in};
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::clients::list::{encoded, path_of};
use crate::http::portal::page;
use crate::http::portal::page::chart::Grouped;
use crate::http::portal::page::{Layout, When};
use crate::http::response::download::audit_export;
use crate::http::{AppState, Params};

const PATH: &str = "/admin/audit";

/// Events of one page.
const LIMIT: u32 = 50;

/// What is asked for, as it is typed.
struct Asked {
    actor_type: String,
    actor: String,
    action: String,
    client: String,
    since: String,
    until: String,
}

impl Asked {
    fn read(query: &mut Params) -> Self {
        let mut text = |name: &str| query.take(name).unwrap_or_default().trim().to_owned();
        Self {
            actor_type: text("actor_type"),
            actor: text("actor"),
            action: text("action"),
            client: text("client_id"),
            since: text("since"),
            until: text("until"),
        }
    }

    fn is_by(&self, kind: &str) -> bool {
        self.actor_type == kind
    }

    fn filter(&self) -> Result<AuditFilter> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let kind = some(&self.actor_type);
        if kind
            .as_deref()
            .is_some_and(|kind| !Actor::KINDS.contains(&kind))
        {
            let kinds = Actor::KINDS.join(", ");
            return Err(Error::invalid_request(format!(
                "an actor is one of {kinds}"
            )));
        }
        let action = some(&self.action).map(|it| Action::parse_kind(&it));
        let client = some(&self.client).map(|it| ClientId::parse(&it));
        Ok(AuditFilter {
            actor_type: kind,
            actor: some(&self.actor),
            action: action.transpose()?,
            client_id: client.transpose()?,
            since: some(&self.since).map(|it| read_time(&it)).transpose()?,
            until: some(&self.until).map(|it| read_time(&it)).transpose()?,
        })
    }

    fn query(&self) -> String {
        let pairs = [
            ("actor_type", &self.actor_type),
            ("actor", &self.actor),
            ("action", &self.action),
            ("client_id", &self.client),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
        let pairs = filled.map(|(name, value)| format!("{name}={}&", encoded(value)));
        format!("?{}", pairs.collect::<String>())
    }
}

/// Browsers write a time as `2026-07-01T12:00`; the page says that it is in UTC.
pub(super) fn read_time(text: &str) -> Result<UnixTime> {
    let seconds = if text.len() == "2026-07-01T12:00".len() {
        ":00"
    } else {
        ""
    };
    format!("{text}{seconds}Z").parse().map_err(|_| {
        Error::invalid_request("a time is a date and a time of day, such as 2026-07-01T12:00")
    })
}

#[derive(Template)]
#[template(path = "audit/audit.html")]
struct AuditTemplate {
    layout: Layout,
    error: Option<String>,
    asked: Asked,
    query: String,
    kinds: Vec<String>,
    rows: Vec<Row>,
    is_first: bool,
    next: Option<i64>,
}

struct Row {
    event: AuditEvent,
    /// The page of the client that it concerns.
    path: Option<String>,
    before: String,
    after: String,
}

/// What was done, the newest first.
pub(super) async fn show_audit(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let mut query = Params::from_query(&uri)?;
    let asked = Asked::read(&mut query);
    let before = query.take("before").map(|it| it.parse::<i64>()).transpose();
    let before = before.map_err(|_| Error::invalid_request("`before` is the id of an event"))?;
    let mut page = AuditTemplate {
        layout: Layout::new("Audit", PATH, Some(&session)),
        error: None,
        query: asked.query(),
        kinds: kinds(),
        rows: Vec::new(),
        is_first: before.is_none(),
        next: None,
        asked,
    };
    let filter = match page.asked.filter() {
        Ok(filter) => filter,
        Err(error) => {
            page.error = Some(page::sentence(&error));
            return Ok(page::show_again(&page, error));
        }
    };
    // One more tells whether there is another page.
    let part = AuditPage::Before(before);
    let mut events = app.audit.list(&filter, part, LIMIT + 1).await?;
    let has_more = events.len() > LIMIT as usize;
    events.truncate(LIMIT as usize);
    let last = events.last().filter(|_| has_more);
    page.next = last.map(|row| row.event.event_id);
    page.rows = events.into_iter().map(|row| Row::new(row.event)).collect();
    Ok(page::show(&page))
}

impl Row {
    fn new(event: AuditEvent) -> Self {
        let id = event.client_id.as_deref();
        let pretty = |json: &Option<String>| {
            let json = json.as_deref().unwrap_or_default();
            crate::http::portal::clients::form::pretty(json)
        };
        Self {
            path: id
                .and_then(|id| ClientId::parse(id).ok())
                .map(|id| path_of(&id)),
            before: pretty(&event.before),
            after: pretty(&event.after),
            event,
        }
    }
}

/// Every action, and before those of a kind the kind.
fn kinds() -> Vec<String> {
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

/// The same events as a file, the oldest first.
pub(super) async fn export_audit(
    State(app): State<AppState>,
    _session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let mut query = Params::from_query(&uri)?;
    let format: AuditFormat = query.take("format").unwrap_or_default().parse()?;
    let filter = Asked::read(&mut query).filter()?;
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
    error: Option<String>,
    known: String,
    verdict: Option<AuditVerdict>,
}

impl VerifyPage {
    fn new(session: &Session<Viewer>, known: String) -> Self {
        Self {
            layout: Layout::new("Verify the trail", "/admin/audit/verify", Some(session)),
            error: None,
            known,
            verdict: None,
        }
    }
}

/// A form to check the trail.
pub(super) async fn show_verify(session: Session<Viewer>) -> Response {
    page::show(&VerifyPage::new(&session, String::new()))
}

/// Checks that nobody changed, removed, added or moved an event. By POST, for it reads all of them.
pub(super) async fn verify(
    State(app): State<AppState>,
    session: Session<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let mut page = VerifyPage::new(&session, form.take("known"));
    let checked = async {
        let known = filled_in(&page.known).map(str::parse).transpose()?;
        app.audit.verify(known.as_ref()).await
    };
    match checked.await {
        Ok(verdict) => page.verdict = Some(verdict),
        Err(error) => {
            let error = page::mendable(error)?;
            page.error = Some(page::sentence(&error));
            return Ok(page::show_again(&page, error));
        }
    }
    Ok(page::show(&page))
}
