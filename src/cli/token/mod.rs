//! `token`: what a token says and what this server would say of it; and ending one before its time.

pub(in crate::cli) mod explain;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::output::{Output, OutputWithoutId, stdin};
use crate::app::{App, TokenInspection};
use crate::base::clock::Clock;
use crate::cli::database::open;
use crate::cli::exit_code;
use crate::domain::SigningAlg;
use crate::jwt;

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Show the header and claims of a token, and verify its signature and times; with --revoked also its revocation
    #[command(aliases = ["show", "get", "decode", "verify"])]
    Inspect(InspectArgs),
    /// Revoke a token; every replica that has the database refuses it within 2 seconds
    Revoke {
        /// The token; by default, or with `-`, read from stdin, so that it is neither in `ps` nor in the shell's history
        token: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct InspectArgs {
    /// The token; by default, or with `-`, read from stdin, so that it is not in the shell's history
    token: Option<String>,
    /// Verify as the server does: also check in the database whether the token or its client was revoked
    #[arg(long)]
    revoked: bool,
    #[command(flatten)]
    output: OutputWithoutId,
}

pub(super) async fn run(command: TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Inspect(args) => inspect(args).await,
        TokenCommand::Revoke { token } => revoke(token).await,
    }
}

async fn revoke(token: Option<String>) -> anyhow::Result<ExitCode> {
    let token = read_token(token)?;
    let app = open::open().await?;
    let claims = app.tokens.revoke(&open::origin(), token.trim()).await?;
    Output::remark(&format!(
        "revoked the token {} of `{}`, which was valid until {}",
        claims.jti, claims.client_id, claims.exp
    ));
    Ok(ExitCode::SUCCESS)
}

async fn inspect(args: InspectArgs) -> anyhow::Result<ExitCode> {
    let token = read_token(args.token)?;
    let inspection = if args.revoked {
        let app = open::open().await?;
        app.keys.refresh().await?;
        app.replication.read_changes().await?;
        app.tokens.inspect(token.trim()).await?
    } else {
        inspect_alone(token.trim()).await?
    };
    args.output.print(&inspection, || {
        format!(
            "{}\n{:#}\n{:#}",
            inspection.verdict, inspection.header, inspection.claims
        )
    })?;
    Ok(exit_code(inspection.good))
}

/// By what is in the token and in the settings.
async fn inspect_alone(token: &str) -> anyhow::Result<TokenInspection> {
    let app = App::open(open::config()?, Clock::system())?;
    let (header, claims) = jwt::decode_unverified(token)?;
    // Tokens under SECRET are judged without a database; the other keys are there.
    if header["alg"] != SigningAlg::HS256.as_str() {
        open::refuse_pending(&app).await?;
        app.core.compare_clocks().await.context("DATABASE_URL")?;
        app.keys.refresh().await.context("DATABASE_URL")?;
    }
    let verified = app.keys.current().verify(token, app.clock().now());
    Ok(TokenInspection {
        good: verified.is_ok(),
        verdict: match &verified {
            Ok(claims) => format!("valid until {}", claims.exp),
            Err(error) => error.to_string(),
        },
        header,
        claims,
    })
}

pub(super) fn read_token(argument: Option<String>) -> anyhow::Result<String> {
    match argument.filter(|token| token != "-") {
        Some(token) => Ok(token),
        None => stdin::read("paste the token, Enter and Ctrl-D", 64 * 1024),
    }
}
