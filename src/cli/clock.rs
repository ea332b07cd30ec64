//! `clock`: what an operator says of this machine's clock.

use std::process::ExitCode;

use clap::Subcommand;

use super::database::open::{open, origin};
use super::output::Output;
use super::output::confirmation::Confirmation;

#[derive(Subcommand)]
pub(super) enum ClockCommand {
    /// Confirm that this machine's clock is right: the server removes, rotates and expires what it held back
    Confirm(Confirmation),
}

/// Confirms this machine's clock. Only SQLite needs this: on Postgres the server uses the database's clock. A running
/// server applies the confirmation within ten seconds.
pub(super) async fn run(command: ClockCommand) -> anyhow::Result<ExitCode> {
    let ClockCommand::Confirm(confirmation) = command;
    let app = open().await?;
    // Also where this process has no doubt: a server that runs has seen more, as a jump of the clock.
    if !app.store().has_own_clock() {
        if let Some(doubt) = app.core.find_clock_doubt().await? {
            Output::remark(&doubt.to_string());
        }
        let now = app.clock().wall();
        let what = format!(
            "this machine's clock says {now}, and the server expires and removes by that time"
        );
        confirmation.ask(&what, "Is it right?")?;
    }
    let confirmed = app.core.confirm_clock(&origin()).await?;
    Output::remark(&format!(
        "confirmed the time {confirmed}; a running server applies it within ten seconds"
    ));
    Ok(ExitCode::SUCCESS)
}
