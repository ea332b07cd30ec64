//! Owns how an event is written: as JSON, in which what it was before and after is JSON, not text; and as CSV. Writes the
//! trail out, for programs and spreadsheets, piece by piece: it may be longer than memory.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::app::audit::Audit;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::base::json;
use crate::domain::word_enum;
use crate::store::{AuditFilter, AuditPage, ChainedEvent};

/// Events of one piece.
const BATCH: u32 = 1_000;

word_enum! {
    /// The format of exported events.
    pub enum AuditFormat, "a format" {
        /// A JSON object on each line.
        Json = "json",
        /// CSV with a header line.
        Csv = "csv",
    }
}

/// A piece of an export.
#[derive(Debug)]
pub struct AuditPiece {
    /// Whole lines.
    pub text: String,
    /// Where the next piece begins, if there is one.
    pub after: Option<i64>,
}

impl Audit {
    /// The next piece of the events that `filter` admits, the oldest first; the first one is after 0.
    pub async fn export(
        &self,
        filter: &AuditFilter,
        format: AuditFormat,
        after: i64,
    ) -> Result<AuditPiece> {
        let page = AuditPage::After(after);
        let rows = self.list(filter, page, BATCH).await?;
        let is_full = rows.len() == BATCH as usize;
        let last = rows.last().filter(|_| is_full);
        Ok(AuditPiece {
            text: match format {
                AuditFormat::Json => AuditLine::join(&rows).map_err(Error::internal)?,
                AuditFormat::Csv => csv(&rows, after == 0).map_err(Error::internal)?,
            },
            after: last.map(|row| row.event.event_id),
        })
    }
}

/// The name of a column of CSV, and what an event has in it.
type Column = (&'static str, fn(&ChainedEvent) -> String);

const COLUMNS: [Column; 13] = [
    ("event_id", |row| row.event.event_id.to_string()),
    ("at", |row| row.event.at.to_string()),
    ("actor_type", |row| inert(&row.event.actor_type)),
    ("actor", |row| inert(&row.event.actor)),
    ("source", |row| optional(row.event.source.as_deref())),
    ("request_id", |row| {
        optional(row.event.request_id.as_deref())
    }),
    ("action", |row| inert(&row.event.action)),
    ("target_type", |row| inert(&row.event.target_type)),
    ("target", |row| inert(&row.event.target)),
    ("client_id", |row| optional(row.event.client_id.as_deref())),
    ("before", |row| optional(row.event.before.as_deref())),
    ("after", |row| optional(row.event.after.as_deref())),
    ("hash", |row| row.hash.clone()),
];

fn csv(rows: &[ChainedEvent], header: bool) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if header {
        writer.write_record(COLUMNS.map(|(name, _)| name))?;
    }
    for row in rows {
        writer.write_record(COLUMNS.map(|(_, value)| value(row)))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// Text that others wrote must not be a formula to a spreadsheet.
fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn optional(text: Option<&str>) -> String {
    inert(text.unwrap_or_default())
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub struct AuditLine<'a> {
    /// Its place in the chain
    event_id: i64,
    at: UnixTime,
    /// `cli`, `admin`, `client` or `server`
    actor_type: &'a str,
    actor: &'a str,
    /// The caller's address
    source: Option<&'a str>,
    request_id: Option<&'a str>,
    action: &'a str,
    target_type: &'a str,
    target: &'a str,
    /// The client that it concerns
    client_id: Option<&'a str>,
    /// The values before; of a change only the changed members
    #[schema(value_type = Option<Object>)]
    before: Option<Cow<'a, RawValue>>,
    /// The values after
    #[schema(value_type = Option<Object>)]
    after: Option<Cow<'a, RawValue>>,
    /// The hash of the event and of the event before it
    hash: &'a str,
}

impl<'a> AuditLine<'a> {
    /// The event. What should be JSON in it and is not stands there as text: the whole list must not fail for it.
    pub fn of(
        ChainedEvent { event, hash, .. }: &'a ChainedEvent,
    ) -> Result<Self, serde_json::Error> {
        let json = |text: &'a Option<String>| text.as_deref().map(json_or_text).transpose();
        Ok(Self {
            event_id: event.event_id,
            at: event.at,
            actor_type: &event.actor_type,
            actor: &event.actor,
            source: event.source.as_deref(),
            request_id: event.request_id.as_deref(),
            action: &event.action,
            target_type: &event.target_type,
            target: &event.target,
            client_id: event.client_id.as_deref(),
            before: json(&event.before)?,
            after: json(&event.after)?,
            hash,
        })
    }

    /// Events as JSON lines.
    pub fn join(rows: &[ChainedEvent]) -> Result<String, serde_json::Error> {
        let line = |row| Ok(serde_json::to_string(&AuditLine::of(row)?)? + "\n");
        rows.iter().map(line).collect()
    }
}

fn json_or_text(text: &str) -> Result<Cow<'_, RawValue>, serde_json::Error> {
    match json::from_str::<&RawValue>(text) {
        Ok(json) => Ok(Cow::Borrowed(json)),
        Err(_) => Ok(Cow::Owned(to_raw_value(text)?)),
    }
}
