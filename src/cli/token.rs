//! `token`: what a token says and what this server would say of it; and ending one before its time.

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
    /// Revoke a token; every replica that has the database refuses it within 2 seconds
    Revoke(RevokeArgs),
}

#[derive(Args)]
pub(super) struct RevokeArgs {
    /// The token; read from stdin when left out or `-`, which keeps it out of `ps` and the shell's history
    token: Option<String>,
}

#[derive(Args)]
pub(super) struct InspectArgs {
    /// The token; read from stdin when left out or `-`, which keeps it out of the shell's history
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
    match command {
        TokenCommand::Inspect(args) => inspect(args).await,
        TokenCommand::Revoke(args) => revoke(args).await,
    }
}

async fn revoke(args: RevokeArgs) -> anyhow::Result<ExitCode> {
    let token = read_token(args.token)?;
    let app = environment::open().await?;
    let claims = app
        .revoke_token(&environment::origin(), token.trim())
        .await?;
    Output::remark(&format!(
        "revoked the token {} of `{}`, which was good until {}",
        claims.jti, claims.client_id, claims.exp
    ));
    Ok(ExitCode::SUCCESS)
}

async fn inspect(args: InspectArgs) -> anyhow::Result<ExitCode> {
    let token = read_token(args.token)?;
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

fn read_token(argument: Option<String>) -> anyhow::Result<String> {
    if let Some(token) = argument.filter(|token| token != "-") {
        return Ok(token);
    }
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
