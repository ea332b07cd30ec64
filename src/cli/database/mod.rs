//! The commands that migrate, back up and restore the database; [`open`] is how every command gets at it.

pub(in crate::cli) mod open;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::output::{self, Output, OutputWithoutId};
use crate::app::error::Error;
use crate::store::MigrationEvent;
use open::origin;

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

#[derive(Args)]
pub(in crate::cli) struct RestoreArgs {
    /// Leave earlier tokens valid. A token that was revoked after the backup is then valid again, unless a running server knows
    /// its revocation
    #[arg(long)]
    keep_tokens: bool,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Serialize)]
struct BackedUp {
    file: String,
    bytes: u64,
}

#[derive(Serialize)]
struct Restored<'a> {
    identity: &'a str,
    epoch: i64,
    tokens: &'static str,
}

/// Brings the schema up to date.
pub(in crate::cli) async fn migrate() -> anyhow::Result<ExitCode> {
    let mut config = open::config()?;
    config.database.create_if_missing = true;
    let app = open::connect(config).await?;
    let is_changed = AtomicBool::new(false);
    let tell = |event: &MigrationEvent| match event {
        MigrationEvent::Begun(_) => {}
        MigrationEvent::Applied(place) => {
            is_changed.store(true, Ordering::Relaxed);
            Output::remark(&format!("applied {}", place.name));
        }
        MigrationEvent::Waiting { .. }
        | MigrationEvent::DroppingInvalidIndex(_)
        | MigrationEvent::Running { .. } => Output::remark(&event.to_string()),
    };
    app.store()
        .migrate(&tell)
        .await
        .context("DATABASE_URL: cannot migrate the database")?;
    if !is_changed.load(Ordering::Relaxed) {
        Output::remark("the schema is up to date");
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies a database of SQLite that is in use.
pub(in crate::cli) async fn back_up(args: BackupArgs) -> anyhow::Result<ExitCode> {
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

/// Does what a database needs that was restored from a backup.
pub(in crate::cli) async fn restore(args: RestoreArgs) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    let installation = app.replication.restore(&origin(), args.keep_tokens).await?;
    let restored = Restored {
        identity: &installation.identity,
        epoch: installation.epoch,
        tokens: if args.keep_tokens { "kept" } else { "revoked" },
    };
    args.output.print(&restored, || {
        output::list(&[
            ("identity", restored.identity.to_owned()),
            ("epoch", restored.epoch.to_string()),
            ("tokens", restored.tokens.to_owned()),
        ])
    })?;
    Ok(ExitCode::SUCCESS)
}
