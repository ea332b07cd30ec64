//! `secret`: a SECRET of the server.

use std::process::ExitCode;

use clap::Subcommand;

use crate::base::secret::random_base62;
use crate::cli::output::Output;

/// 381 bits, with which nobody has to ask what is enough.
const CHARACTERS: usize = 64;

#[derive(Subcommand)]
pub(in crate::cli) enum SecretCommand {
    /// Print a new SECRET for the server; change nothing
    New,
}

pub(in crate::cli) fn run(command: &SecretCommand) -> anyhow::Result<ExitCode> {
    match command {
        SecretCommand::New => {
            Output::text_once(&(random_base62(CHARACTERS) + "\n"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
