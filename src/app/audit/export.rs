//! Writing the trail out, for programs and spreadsheets, piece by piece: it may be longer than memory.

use crate::app::audit::Audit;
use crate::app::audit::line::AuditLine;
use crate::app::error::{Error, Result};
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

fn csv(rows: &[ChainedEvent], header: bool) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if header {
        writer.write_record([
            "event_id",
            "at",
            "actor_type",
            "actor",
            "source",
            "request_id",
            "action",
            "target_type",
            "target",
            "client_id",
            "before",
            "after",
            "hash",
        ])?;
    }
    for ChainedEvent { event, hash, .. } in rows {
        let text = |value: &Option<String>| inert(value.as_deref().unwrap_or_default());
        writer.write_record([
            event.event_id.to_string(),
            event.at.to_string(),
            inert(&event.actor_type),
            inert(&event.actor),
            text(&event.source),
            text(&event.request_id),
            inert(&event.action),
            inert(&event.target_type),
            inert(&event.target),
            text(&event.client_id),
            text(&event.before),
            text(&event.after),
            hash.clone(),
        ])?;
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
