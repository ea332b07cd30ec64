//! `restore`: what a database needs that was restored from a backup.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::cli::database::open;
use crate::cli::database::open::origin;
use crate::cli::output::{self, OutputWithoutId};

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
struct Restored<'a> {
    identity: &'a str,
    epoch: i64,
    tokens: &'static str,
}

pub(in crate::cli) async fn run(args: RestoreArgs) -> anyhow::Result<ExitCode> {
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
