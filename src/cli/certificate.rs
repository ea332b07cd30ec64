//! `certificate`: the one that an authority issues by ACME.

use std::process::ExitCode;

use clap::Subcommand;

use super::output::confirmation::Confirmation;
use super::output::{self, OutputWithoutId, text_or};
use crate::app::CertificateStanding;
use crate::cli::database::open;
use crate::cli::database::open::origin;

#[derive(Subcommand)]
pub(super) enum CertificateCommand {
    /// Show the certificate: when it expires, when it is renewed, and why a renewal failed
    #[command(visible_alias = "get", alias = "status")]
    Show(OutputWithoutId),
    /// Order a certificate with a new key now; running replicas load it
    Renew {
        /// The old key leaked: the authority then revokes the old certificate
        #[arg(long)]
        compromised: bool,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        output: OutputWithoutId,
    },
}

pub(super) async fn run(command: CertificateCommand) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    let acme = app.acme()?;
    let (standing, output) = match command {
        CertificateCommand::Show(output) => {
            acme.read().await?;
            (acme.standing(), output)
        }
        CertificateCommand::Renew {
            compromised,
            confirmation,
            output,
        } => {
            if compromised {
                let what =
                    "the authority revokes the present certificate when it has issued a new one";
                confirmation.ask(what, "Renew and revoke it?")?;
            }
            (acme.renew(&origin(), compromised).await?, output)
        }
    };
    output.print(&standing, || list(&standing))?;
    Ok(ExitCode::SUCCESS)
}

fn list(standing: &CertificateStanding) -> String {
    output::list(&[
        ("names", standing.names.join(" ")),
        ("directory", standing.directory.clone()),
        ("issued_at", text_or(standing.issued_at, "-")),
        ("expires_at", text_or(standing.expires_at, "-")),
        ("due_at", text_or(standing.due_at, "now")),
        ("failures", standing.failures.to_string()),
        ("failed_at", text_or(standing.failed_at, "-")),
        ("problem", text_or(standing.problem.as_ref(), "-")),
    ])
}
