//! `clock`: what an operator says of this machine's clock.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::open::{open, origin};
use super::output::Output;
use crate::app::App;

#[derive(Subcommand)]
pub(super) enum ClockCommand {
    /// Say that this machine's clock is right: what was held back is removed, rotated and ended
    Confirm(ConfirmArgs),
}

/// Only SQLite needs it: on Postgres the server uses the database's clock. A server that runs learns of it within ten seconds.
#[derive(Args)]
pub(super) struct ConfirmArgs {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(command: ClockCommand) -> anyhow::Result<ExitCode> {
    let app = open().await?;
    match command {
        ClockCommand::Confirm(args) => confirm(&app, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn confirm(app: &App, args: ConfirmArgs) -> anyhow::Result<()> {
    // Also where this process has no doubt: a server that runs has seen more, as a jump of the clock.
    if !app.store().has_own_clock() && !args.yes {
        if let Some(doubt) = app.core.find_clock_doubt().await? {
            Output::remark(&doubt.to_string());
        }
        let now = app.clock().wall();
        let why = format!("this machine's clock says {now}, and what ends by time ends by that");
        let answer = Output::ask(&why, &format!("{why}. Is it right? [y/N] "))?;
        if !answer.eq_ignore_ascii_case("y") {
            bail!("not confirmed");
        }
    }
    let confirmed = app.core.confirm_clock(&origin()).await?;
    Output::remark(&format!(
        "confirmed that it is {confirmed}; a server that runs learns of it within ten seconds"
    ));
    Ok(())
}
