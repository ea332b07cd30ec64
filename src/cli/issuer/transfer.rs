//! `issuer export` and `issuer import`: all issuers as one document.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use crate::app::error::Error;
use crate::app::{App, ImportedIssuer, IssuersDocument};
use crate::base::json;
use crate::cli::client::export::private_file;
use crate::cli::database::open::origin;
use crate::cli::output::{self, Output, stdin};

#[derive(Args)]
pub(in crate::cli) struct ImportArgs {
    /// The file; `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show the changes, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct PrintedImport<'a> {
    dry_run: bool,
    issuers: &'a [ImportedIssuer],
}

pub(super) async fn export(app: &App, out: Option<&Path>) -> anyhow::Result<()> {
    let document = app.issuers.export().await?;
    let text = serde_json::to_string_pretty(&document)? + "\n";
    match out {
        Some(path) => {
            let mut file = private_file(path)?;
            let written = file
                .write_all(text.as_bytes())
                .and_then(|()| file.sync_all());
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => Output::text(&text)?,
    }
    Output::remark(&format!("exported {} issuers", document.issuers.len()));
    Ok(())
}

pub(super) async fn import(app: &App, args: &ImportArgs) -> anyhow::Result<()> {
    let document = read(&args.file)?;
    let by = origin();
    let issuers = &app.issuers.import(&by, document, args.dry_run).await?;
    let printed = PrintedImport {
        dry_run: args.dry_run,
        issuers,
    };
    args.output.print(&printed, "name", || {
        output::table(
            issuers,
            &[
                ("name", |it| it.name.to_string()),
                ("step", |it| it.step.as_str().to_owned()),
            ],
        )
    })?;
    if args.dry_run {
        Output::remark("nothing was changed");
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<IssuersDocument> {
    let mut text = String::new();
    let read = stdin::open(path).and_then(|mut file| file.read_to_string(&mut text));
    read.with_context(|| format!("cannot read {}", path.display()))?;
    json::from_str(&text)
        .map_err(|error| Error::invalid_request(format!("{}: {error}", path.display())).into())
}
