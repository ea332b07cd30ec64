//! `key`: the key pairs that sign tokens when `SIGNING_ALG` is not HS256.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::{self, Output};
use crate::app::{App, KeyStatus};
use crate::base::clock::UnixTime;
use crate::cli::open;
use crate::cli::open::origin;
use crate::domain::{KeyId, SigningAlg};

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// List the keys: their states and dates, never the keys
    List(ListArgs),
    /// Make the next key sign, retire the one that does, and publish a new next one
    Rotate(RotateArgs),
    /// Publish a key of another algorithm ahead, before `SIGNING_ALG` becomes that
    Prepare(PrepareArgs),
    /// End a next key, or the active one of an algorithm that is not `SIGNING_ALG`
    Retire(OneKey),
    /// Delete a key that does not sign: its tokens are refused at once
    Delete(DeleteArgs),
    /// Seal the keys under `SECRET` that are sealed under `SECRET_PREVIOUS`
    Reseal(ListArgs),
}

#[derive(Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct RotateArgs {
    /// Also when verifiers may not know the next key yet: some may refuse tokens for a while
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct PrepareArgs {
    /// `ES256`, `EdDSA`, `RS256` or `PS256`
    alg: SigningAlg,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct OneKey {
    /// The key's id, as `list` shows it
    #[arg(allow_hyphen_values = true)]
    kid: KeyId,
}

#[derive(Args)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    key: OneKey,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct KeysList<'a> {
    signing_alg: SigningAlg,
    keys: &'a [KeyStatus],
}

#[derive(Serialize)]
struct Prepared<'a> {
    next: &'a KeyId,
}

#[derive(Serialize)]
struct Resealed {
    resealed: usize,
}

pub(super) async fn run(command: KeyCommand) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    match command {
        KeyCommand::List(args) => list(&app, args.output).await?,
        KeyCommand::Rotate(args) => rotate(&app, &args).await?,
        KeyCommand::Prepare(args) => {
            let next = &app.keys.prepare(&origin(), args.alg).await?;
            args.output.print(&Prepared { next }, || {
                output::list(&[("next", next.to_string())])
            })?;
        }
        KeyCommand::Retire(args) => {
            app.keys.retire(&origin(), &args.kid).await?;
            Output::remark(&format!("retired {}", args.kid));
        }
        KeyCommand::Delete(args) => delete(&app, args).await?,
        KeyCommand::Reseal(args) => {
            let resealed = app.keys.reseal(&origin()).await?;
            args.output.print(&Resealed { resealed }, || {
                format!("{resealed} key(s) sealed anew under SECRET")
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let keys = &app.keys.list().await?;
    let signing_alg = app.config().keys.signing_alg;
    if !signing_alg.is_asymmetric() {
        Output::remark(
            "SIGNING_ALG is HS256: tokens are signed with SECRET, not with one of these",
        );
    }
    output.print(&KeysList { signing_alg, keys }, || {
        output::table(
            &[
                "kid",
                "alg",
                "state",
                "created_at",
                "activated_at",
                "retired_at",
                "verifies_until",
                "live_tokens",
                "sealed_under",
            ],
            keys.iter().map(row),
        )
    })
}

fn row(key: &KeyStatus) -> Vec<String> {
    let time = |time: Option<UnixTime>| time.map_or_else(|| "-".to_owned(), |at| at.to_string());
    vec![
        key.kid.to_string(),
        key.alg.to_string(),
        key.state.to_owned(),
        key.created_at.to_string(),
        time(key.activated_at),
        time(key.retired_at),
        time(key.verifies_until),
        format!("{} at most", key.live_tokens_at_most),
        key.sealed_under.unwrap_or("(cannot be opened)").to_owned(),
    ]
}

async fn rotate(app: &App, args: &RotateArgs) -> anyhow::Result<()> {
    let rotation = app.keys.rotate(&origin(), args.now).await?;
    args.output.print(&rotation, || {
        let text = |kid: &Option<KeyId>| kid.as_ref().map_or("-", KeyId::as_str).to_owned();
        output::list(&[
            ("active", text(&rotation.active)),
            ("retired", text(&rotation.retired)),
            ("next", text(&rotation.next)),
        ])
    })
}

async fn delete(app: &App, args: DeleteArgs) -> anyhow::Result<()> {
    let kid = args.key.kid;
    if !args.yes {
        let why = format!("every token under `{kid}` ends with it");
        let answer = Output::ask(&why, &format!("{why}. Delete it? [y/N] "))?;
        if !answer.eq_ignore_ascii_case("y") {
            anyhow::bail!("nothing was deleted");
        }
    }
    app.keys.delete(&origin(), &kid).await?;
    Output::remark(&format!("deleted {kid}"));
    Ok(())
}
