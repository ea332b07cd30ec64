//! `client export`: all clients to a file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::app::App;
use crate::base::private_file;
use crate::cli::database::open;
use crate::cli::output::Output;

/// Where nobody counts along, it is said every so many clients how far it is.
const TOLD_EVERY: u64 = 10_000;

/// Export all clients with the hashes of their secrets
///
/// JSON lines, for `client import` here or at another server. Protect the file like the database: with it an attacker can guess
/// chosen secrets. The export leaves out and names clients with damaged rows; then the command fails.
#[derive(Args)]
pub(in crate::cli) struct ExportArgs {
    /// A new file that only its owner can read; by default stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(in crate::cli) async fn run(app: &App, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let mut file = args.out.as_deref().map(private_file).transpose()?;
    let mut export = app.clients.begin_export(&open::origin()).await?;
    let mut told = 0;
    while let Some(lines) = app.clients.export(&mut export).await? {
        match &mut file {
            Some(file) => file.write_all(lines.as_bytes()).context("cannot write")?,
            None => Output::text(&lines)?,
        }
        if export.clients() >= told + TOLD_EVERY {
            told = export.clients();
            Output::remark(&format!("{told} clients"));
        }
    }
    if let Some(file) = file {
        file.sync_all().context("cannot write")?;
    }
    Output::remark(&format!("exported {} clients", export.clients()));
    let damaged: Vec<&str> = export.damaged().collect();
    if damaged.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Output::remark(&format!(
        "left out {} clients whose stored records are damaged: {}",
        damaged.len(),
        damaged.join(", ")
    ));
    Ok(ExitCode::FAILURE)
}

/// A file that is new, and that nobody else can read.
pub(in crate::cli) fn private_file(path: &Path) -> anyhow::Result<File> {
    private_file::create_new(path).with_context(|| format!("cannot make {}", path.display()))
}
