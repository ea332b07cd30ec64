//! `explain`: which token a client would get, or why none; and why a request was refused.

use std::process::ExitCode;

use clap::Args;

use super::output::{self, Output};
use crate::app::TokenExplanation;
use crate::cli::open;
use crate::domain::RejectedRequest;

#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(super) struct ExplainArgs {
    /// The client that would ask for a token
    #[arg(long, value_name = "CLIENT_ID", group = "what")]
    client: Option<String>,
    /// The scope it would ask for; all of its when left out
    #[arg(long, requires = "client")]
    scope: Option<String>,
    /// The audience it would ask for; its first when left out
    #[arg(long, requires = "client")]
    audience: Option<String>,
    /// The request that was refused: the `x-request-id` of its answer
    #[arg(long, value_name = "ID", group = "what")]
    request: Option<String>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: ExplainArgs) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    if let Some(request_id) = &args.request {
        let refusals = app.audit.explain_request(request_id).await?;
        args.output.print(&refusals, || refusals_table(&refusals))?;
        return Ok(ExitCode::SUCCESS);
    }
    // What a server has read when it issues tokens: revocations and keys.
    app.replication.read_changes().await?;
    let client = args.client.as_deref().unwrap_or_default();
    let (scope, audience) = (args.scope.as_deref(), args.audience.as_deref());
    let explained = app.tokens.explain(client, scope, audience).await?;
    args.output.print(&explained, || in_words(&explained))?;
    Ok(if explained.granted {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn in_words(explained: &TokenExplanation) -> String {
    let mut parts = Vec::new();
    if let Some(refusal) = &explained.refusal {
        parts.push(output::list(&[
            ("refused", refusal.error.to_owned()),
            ("told", refusal.error_description.clone()),
            ("because", refusal.reason.clone()),
        ]));
    }
    if let (Some(header), Some(claims)) = (&explained.header, &explained.claims) {
        parts.push(format!(
            "granted, as a token like this\n{header:#}\n{claims:#}"
        ));
    }
    if !explained.remarks.is_empty() {
        parts.push(explained.remarks.join("\n"));
    }
    if !explained.refusals.is_empty() {
        parts.push(refusals_table(&explained.refusals));
    }
    parts.join("\n\n")
}

fn refusals_table(refusals: &[RejectedRequest]) -> String {
    output::table(
        &[
            "at",
            "request_id",
            "route",
            "client",
            "source",
            "error",
            "because",
        ],
        refusals.iter().map(|it| {
            vec![
                it.at.to_string(),
                it.request_id.clone(),
                it.route.clone(),
                it.client_id.clone().unwrap_or_else(|| it.hint.clone()),
                it.source.clone(),
                it.error.clone(),
                it.reason.clone(),
            ]
        }),
    )
}
