//! `audit export`: events for programs and spreadsheets.

use clap::Args;

use super::filters::Filters;
use crate::app::{App, AuditFormat};
use crate::cli::output::Output;

#[derive(Args)]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    filters: Filters,
    /// `json` for JSON lines, or `csv` with a header line
    #[arg(long, default_value = "json")]
    format: AuditFormat,
}

pub(super) async fn export(app: &App, args: ExportArgs) -> anyhow::Result<()> {
    let filter = args.filters.read(app.clock().now());
    let mut next = Some(0);
    while let Some(after) = next {
        let piece = app.audit.export(&filter, args.format, after).await?;
        Output::text(&piece.text)?;
        next = piece.after;
    }
    Ok(())
}
