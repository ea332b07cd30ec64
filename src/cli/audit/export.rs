//! `audit export`: events for programs and spreadsheets.

use clap::{Args, ValueEnum};

use super::filters::Filters;
use crate::app::{App, AuditLine, AuditPage, ChainedEvent};
use crate::cli::output::Output;

/// Events that an export reads at once.
const BATCH: u32 = 1_000;

#[derive(Args)]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    filters: Filters,
    /// JSON lines, or CSV with a header line
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Csv,
}

pub(super) async fn export(app: &App, args: ExportArgs) -> anyhow::Result<()> {
    let filter = args.filters.read(app.clock().now());
    let mut after = 0;
    let mut header = matches!(args.format, Format::Csv);
    loop {
        let page = AuditPage::After(after);
        let rows = app.list_audit_events(&filter, page, BATCH).await?;
        let text = match args.format {
            Format::Json => AuditLine::join(&rows)?,
            Format::Csv => csv(&rows, header)?,
        };
        Output::text(&text)?;
        header = false;
        match rows.last() {
            Some(last) if rows.len() == BATCH as usize => after = last.event.event_id,
            Some(_) | None => return Ok(()),
        }
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
