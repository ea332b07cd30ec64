//! `backup`: a copy of a database of SQLite that is in use.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::app::error::Error;
use crate::cli::database::open;
use crate::cli::output::{self, Output, OutputWithoutId};

/// What the copy lacks, without which it is worth little.
const NOT_IN_IT: &str = "the backup contains neither SECRET nor the certificate: store SECRET elsewhere, because \
    nothing else decrypts the signing keys and second factors in the backup";

#[derive(Args)]
pub(in crate::cli) struct BackupArgs {
    /// The new file; it must not exist yet
    file: PathBuf,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Serialize)]
struct BackedUp {
    file: String,
    bytes: u64,
}

pub(in crate::cli) async fn run(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let app = open::connect(open::config()?).await?;
    let store = app.store();
    if store.product() != "SQLite" {
        return Err(Error::invalid_request(
            "`backup` copies a SQLite file; back up Postgres with `pg_dump --format=custom --file=FILE`, or by \
                point-in-time recovery (docs/backup.md)",
        )
        .into());
    }
    let shown = args.file.display().to_string();
    if args.file.symlink_metadata().is_ok() {
        let description = format!("{shown} exists already, and `backup` never overwrites a file");
        return Err(Error::conflict(description).into());
    }
    if let Some(file) = store.missing_file() {
        anyhow::bail!("DATABASE_URL: there is no file {}", file.display());
    }
    let bytes = store.back_up(&args.file).await?;
    Output::remark(NOT_IN_IT);
    let made = BackedUp { file: shown, bytes };
    args.output.print(&made, || {
        output::list(&[
            ("file", made.file.clone()),
            ("bytes", made.bytes.to_string()),
        ])
    })?;
    Ok(ExitCode::SUCCESS)
}
