//! `token inspect`: what a token says, and what this server would say of it.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::environment;
use super::output::Output;
use crate::app::App;
use crate::clock::Clock;
use crate::domain::SigningAlg;
use crate::token;

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Show a token's header, claims and verdict; whether it was revoked is not looked up
    Inspect(InspectArgs),
}

#[derive(Args)]
pub(super) struct InspectArgs {
    /// The token; read from stdin when left out, which keeps it out of the shell's history
    token: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Inspection {
    good: bool,
    verdict: String,
    header: serde_json::Value,
    claims: serde_json::Value,
}

pub(super) async fn run(command: TokenCommand) -> anyhow::Result<ExitCode> {
    let TokenCommand::Inspect(args) = command;
    let token = match args.token {
        Some(token) => token,
        None => read_stdin()?,
    };
    let app = App::open(environment::load()?.config()?, Clock::system())?;
    let (header, claims) = token::decode_unverified(token.trim())?;
    // Tokens under SECRET are judged without a database; the other keys are there.
    if header["alg"] != SigningAlg::HS256.as_str() {
        environment::refuse_pending(&app).await?;
        app.refresh_keys().await.context("DATABASE_URL")?;
    }
    let verified = app.keys().verify(token.trim(), app.clock().now());
    let inspection = Inspection {
        good: verified.is_ok(),
        verdict: match &verified {
            Ok(claims) => format!("good until {}", claims.exp),
            Err(error) => error.to_string(),
        },
        header,
        claims,
    };
    args.output.print(&inspection, || {
        format!(
            "{}\n{:#}\n{:#}",
            inspection.verdict, inspection.header, inspection.claims
        )
    })?;
    Ok(if inspection.good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read_stdin() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        Output::remark("paste the token, Enter and Ctrl-D");
    }
    let mut token = String::new();
    std::io::stdin()
        .take(64 * 1024)
        .read_to_string(&mut token)
        .context("cannot read stdin")?;
    Ok(token)
}
