//! `certificate`: the one that an authority issues by ACME.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::output::confirmation::Confirmation;
use super::output::{self, OutputWithoutId};
use crate::app::CertificateStanding;
use crate::base::clock::UnixTime;
use crate::cli::database::open;
use crate::cli::database::open::origin;

#[derive(Subcommand)]
pub(super) enum CertificateCommand {
    /// Show the certificate: when it expires, when it is renewed, and why a renewal failed
    #[command(visible_alias = "get", alias = "status")]
    Show(ShowArgs),
    /// Order a certificate with a new key now; running replicas load it
    Renew(RenewArgs),
}

#[derive(Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(super) struct RenewArgs {
    /// The old key leaked: the authority then revokes the old certificate
    #[arg(long)]
    compromised: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    output: OutputWithoutId,
}

pub(super) async fn run(command: CertificateCommand) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    let acme = app.acme()?;
    let (standing, output) = match command {
        CertificateCommand::Show(args) => {
            acme.read().await?;
            (acme.standing(), args.output)
        }
        CertificateCommand::Renew(args) => {
            if args.compromised {
                let what =
                    "the authority revokes the present certificate when it has issued a new one";
                args.confirmation.ask(what, "Renew and revoke it?")?;
            }
            let standing = acme.renew(&origin(), args.compromised).await?;
            (standing, args.output)
        }
    };
    output.print(&standing, || list(&standing))?;
    Ok(ExitCode::SUCCESS)
}

fn list(standing: &CertificateStanding) -> String {
    let time = |at: Option<UnixTime>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let due = standing
        .due_at
        .map_or_else(|| "now".to_owned(), |at| at.to_string());
    output::list(&[
        ("names", standing.names.join(" ")),
        ("directory", standing.directory.clone()),
        ("issued_at", time(standing.issued_at)),
        ("expires_at", time(standing.expires_at)),
        ("due_at", due),
        ("failures", standing.failures.to_string()),
        ("failed_at", time(standing.failed_at)),
        (
            "problem",
            standing.problem.clone().unwrap_or_else(|| "-".to_owned()),
        ),
    ])
}
