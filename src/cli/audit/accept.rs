//! `audit accept-head`: the way out when nothing can be added to the trail any more, or its past is damaged.

use std::process::ExitCode;

use clap::Args;

use super::describe;
use crate::app::App;
use crate::cli::database::open::origin;
use crate::cli::output::confirmation::Confirmation;
use crate::cli::output::{self, Output};

/// Accept by hand a trail that `audit verify` cannot verify: after you lost SECRET, or after somebody changed the trail in the
/// database. An event under SECRET records it, and `audit verify` reports it from then on.
#[derive(Args)]
pub(in crate::cli) struct AcceptArgs {
    #[command(flatten)]
    confirmation: Confirmation,
}

pub(super) async fn accept(app: &App, args: AcceptArgs) -> anyhow::Result<ExitCode> {
    let Some(found) = app.audit.find_unverified().await? else {
        Output::remark("the audit trail verifies: there is nothing to accept");
        return Ok(ExitCode::SUCCESS);
    };
    let head = output::printable(&found.head.to_string());
    Output::remark(&format!(
        "the trail cannot be verified from the event {} on: {}\nits last event is {head}",
        found.broken.event_id,
        output::printable(&found.broken.reason)
    ));
    let what = format!("once accepted, no event up to {head} is verified any more");
    let number = found.head.event_id.to_string();
    args.confirmation.ask_to_type(&what, &number)?;
    let accepted = app.audit.accept_head(&origin(), &found).await?;
    let verdict = app.audit.verify(None).await?;
    Output::text(&format!(
        "accepted: the trail up to {accepted}\n{}\n",
        describe(&verdict)
    ))?;
    Ok(if verdict.good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
