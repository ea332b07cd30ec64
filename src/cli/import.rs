//! `client import`: clients from a file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::environment;
use super::output::Output;
use crate::app::App;
use crate::app::import::{ImportFile, ImportReport};

/// Import clients from a CSV or JSON file
///
/// All or nothing, unless --keep-going; clients that exist are left as they are. Besides `client_id` and
/// `client_secret` (or `client_secret_hash`) a row may have `name`, `description`, `status`, `scopes`,
/// `audiences`, `metadata`, `token_ttl` (seconds), `tls_client_certificate_bound_access_tokens` and
/// `dpop_bound_access_tokens` (`true` or `false`).
#[derive(Args)]
pub(super) struct ImportArgs {
    /// CSV with a header line, a JSON array or JSON lines; needs `client_id` and `client_secret` (in
    /// clear or as an argon2, bcrypt, PBKDF2 or scrypt hash)
    file: PathBuf,
    /// Import the good rows although there are bad ones
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Report {
    imported: u64,
    existing: u64,
    bad_rows: Vec<BadRow>,
}

#[derive(Serialize)]
struct BadRow {
    line: u64,
    reason: String,
}

pub(super) async fn run(app: &App, args: ImportArgs) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    let file = ImportFile::parse(&bytes).with_context(|| format!("{}", args.file.display()))?;
    if !file.ignored.is_empty() {
        let names: Vec<&str> = file.ignored.iter().map(String::as_str).collect();
        Output::remark(&format!(
            "ignored, having no meaning here: {}",
            names.join(", ")
        ));
    }
    // Drawn on a terminal only.
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} clients, {eta} left")
            .context("the progress bar's template")?,
    );
    let report = app
        .import_clients(
            &environment::origin(),
            file,
            args.keep_going,
            |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            },
        )
        .await?;
    bar.finish_and_clear();
    print(&report, &args)?;
    Ok(match (report.bad_rows.is_empty(), args.keep_going) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => ExitCode::from(5),
        (false, false) => ExitCode::FAILURE,
    })
}

fn print(report: &ImportReport, args: &ImportArgs) -> anyhow::Result<()> {
    let file = args.file.display();
    for bad in &report.bad_rows {
        Output::remark(&format!("{file}:{}: {}", bad.line, bad.reason));
    }
    let value = Report {
        imported: report.imported,
        existing: report.existing,
        bad_rows: report
            .bad_rows
            .iter()
            .map(|bad| BadRow {
                line: bad.line,
                reason: bad.reason.clone(),
            })
            .collect(),
    };
    args.output.print(&value, || {
        let bad = report.bad_rows.len();
        if bad > 0 && !args.keep_going {
            return format!(
                "nothing was imported: {bad} bad row(s); mend them or say --keep-going"
            );
        }
        format!(
            "imported {}, left {} that existed as they were, skipped {bad} bad row(s)",
            report.imported, report.existing
        )
    })
}
