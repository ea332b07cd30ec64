//! `secret`: a SECRET of the server.

use std::process::ExitCode;

use clap::Subcommand;

use super::output::Output;
use crate::base::secret::random_base62;

/// 381 bits, with which nobody has to ask what is enough.
const CHARACTERS: usize = 64;

#[derive(Subcommand)]
pub(super) enum SecretCommand {
    /// Print a new SECRET for the server; change nothing
    New,
}

pub(super) fn run(command: &SecretCommand) -> anyhow::Result<ExitCode> {
    match command {
        SecretCommand::New => {
            Output::text_once(&(random_base62(CHARACTERS) + "\n"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
