//! `key`: the key pairs that sign tokens when `SIGNING_ALG` is not HS256.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::confirmation::Confirmation;
use super::output::{self, Output, OutputWithoutId, text_or};
use crate::app::{App, KeyStatus};
use crate::cli::database::open;
use crate::cli::database::open::origin;
use crate::domain::{KeyId, SigningAlg};

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// List the signing keys with their states and times; never the keys themselves
    #[command(visible_alias = "ls")]
    List(Output),
    /// Rotate the keys: the next key signs, the active key is retired, and a new next key is published
    Rotate(RotateArgs),
    /// Publish a key of another algorithm, before you set `SIGNING_ALG` to it
    Prepare {
        /// `ES256`, `EdDSA`, `RS256` or `PS256`
        alg: SigningAlg,
        #[command(flatten)]
        output: Output,
    },
    /// Retire a next key, or the active key of an algorithm that is not `SIGNING_ALG`
    Retire(DangerousArgs),
    /// Delete a key that does not sign: the server refuses its tokens at once
    #[command(visible_alias = "rm", alias = "remove")]
    Delete(DangerousArgs),
    /// Seal keys under `SECRET` that are sealed under `SECRET_PREVIOUS`
    Reseal(OutputWithoutId),
}

#[derive(Args)]
pub(super) struct RotateArgs {
    /// Rotate even if verifiers may not know the next key yet: some may refuse tokens for a while
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct DangerousArgs {
    /// The key's ID, as `list` shows it
    #[arg(allow_hyphen_values = true)]
    kid: KeyId,
    #[command(flatten)]
    confirmation: Confirmation,
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
        KeyCommand::List(output) => list(&app, output).await?,
        KeyCommand::Rotate(args) => rotate(&app, &args).await?,
        KeyCommand::Prepare { alg, output } => {
            let next = &app.keys.prepare(&origin(), alg).await?;
            output.print(&Prepared { next }, "next", || {
                output::list(&[("next", next.to_string())])
            })?;
        }
        KeyCommand::Retire(args) => {
            let what =
                "it signs no more tokens, and the server deletes it when its tokens have expired";
            ask(&app, &args, what, "Retire it?").await?;
            app.keys.retire(&origin(), &args.kid).await?;
            Output::remark(&format!("retired {}", args.kid));
        }
        KeyCommand::Delete(args) => {
            let what = "the server refuses them from now on, and the key cannot be restored";
            ask(&app, &args, what, "Delete it?").await?;
            app.keys.delete(&origin(), &args.kid).await?;
            Output::remark(&format!("deleted {}", args.kid));
        }
        KeyCommand::Reseal(output) => {
            let resealed = app.keys.reseal(&origin()).await?;
            output.print(&Resealed { resealed }, || {
                format!("encrypted {resealed} key(s) again under SECRET")
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
            "SIGNING_ALG is HS256: the server signs tokens with SECRET, not with one of these keys",
        );
    }
    output.print(&KeysList { signing_alg, keys }, "kid", || {
        output::table(
            keys,
            &[
                ("kid", |key| key.kid.to_string()),
                ("alg", |key| key.alg.to_string()),
                ("state", |key| key.state.to_owned()),
                ("created_at", |key| key.created_at.to_string()),
                ("activated_at", |key| text_or(key.activated_at, "-")),
                ("retired_at", |key| text_or(key.retired_at, "-")),
                ("verifies_until", |key| text_or(key.verifies_until, "-")),
                ("live_tokens", |key| {
                    format!("{} at most", key.live_tokens_at_most)
                }),
                ("sealed_under", |key| {
                    text_or(key.sealed_under, "(cannot be opened)")
                }),
            ],
        )
    })
}

async fn rotate(app: &App, args: &RotateArgs) -> anyhow::Result<()> {
    if args.now {
        let what =
            "verifiers that have not yet fetched the next key refuse its tokens until they do";
        args.confirmation.ask(what, "Rotate now?")?;
    }
    let rotation = app.keys.rotate(&origin(), args.now).await?;
    args.output.print(&rotation, "active", || {
        output::list(&[
            ("active", text_or(rotation.active.as_ref(), "-")),
            ("retired", text_or(rotation.retired.as_ref(), "-")),
            ("next", text_or(rotation.next.as_ref(), "-")),
        ])
    })
}

/// Asks before a key goes, and says what signed with it. One that is not there is refused later.
async fn ask(app: &App, args: &DangerousArgs, what: &str, question: &str) -> anyhow::Result<()> {
    let keys = app.keys.list().await?;
    let Some(key) = keys.iter().find(|key| key.kid == args.kid) else {
        return Ok(());
    };
    let (kid, state, live) = (&key.kid, key.state, key.live_tokens_at_most);
    let what = format!("key `{kid}` ({state}) has at most {live} live token(s); {what}");
    args.confirmation.ask(&what, question)
}
