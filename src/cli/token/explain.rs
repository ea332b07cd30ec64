//! `explain`: which token a client would get, or why none, for itself or by an exchange; which rule a client assertion does
//! not satisfy; and why a request was refused.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::app::{
    AssertionExplanation, ExchangeExplanation, ExchangeQuestion, ExchangeSubject,
    ExplainedRejection, TokenExplanation,
};
use crate::base::secret::Secret;
use crate::cli::database::open;
use crate::cli::exit_code;
use crate::cli::output::{self, OutputWithoutId};
use crate::cli::token::read_token;
use crate::domain::RejectedRequest;

#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true), args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true)]
pub(in crate::cli) struct ExplainArgs {
    #[command(subcommand)]
    command: Option<ExplainCommand>,
    /// The client that would request a token
    #[arg(long, value_name = "CLIENT_ID", group = "what")]
    client: Option<String>,
    /// The requested scope; by default all scopes of the client
    #[arg(long, requires = "client")]
    scope: Option<String>,
    /// The requested audience; by default the first of the client
    #[arg(long, requires = "client")]
    audience: Option<String>,
    /// A refused client assertion: a file, or `-` for standard input. Shows each rule with the expected and the actual value;
    /// does not use the assertion up
    #[arg(long, value_name = "FILE", group = "what")]
    assertion: Option<PathBuf>,
    /// The `client_id` that the client sends with the assertion
    #[arg(long, value_name = "CLIENT_ID", requires = "assertion")]
    client_id: Option<String>,
    /// The refused request: the `x-request-id` of its response
    #[arg(long, value_name = "ID", group = "what")]
    request: Option<String>,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Subcommand)]
enum ExplainCommand {
    /// Show which token a client would get by an exchange (RFC 8693), or which check would refuse it
    Exchange(ExchangeArgs),
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
struct ExchangeArgs {
    /// The token to exchange; `-` reads it from stdin, so that it is neither in `ps` nor in the shell's history
    #[arg(long, value_name = "TOKEN", group = "whose")]
    subject_token: Option<String>,
    /// The client whose token is exchanged: the token that it would get for the requester
    #[arg(long, value_name = "CLIENT_ID", group = "whose")]
    subject: Option<String>,
    /// The client that requests the exchange
    #[arg(long, value_name = "CLIENT_ID")]
    requester: String,
    /// The target: the audience of the new token
    #[arg(long)]
    audience: String,
    /// The requested scope; by default all scopes that the exchange rule permits
    #[arg(long)]
    scope: Option<String>,
    #[command(flatten)]
    output: OutputWithoutId,
}

pub(in crate::cli) async fn run(args: ExplainArgs) -> anyhow::Result<ExitCode> {
    if let Some(ExplainCommand::Exchange(args)) = args.command {
        return exchange(args).await;
    }
    let app = open::open().await?;
    if let Some(request_id) = &args.request {
        let refusals = app.audit.explain_request(request_id).await?;
        args.output.print(&refusals, || refusals_table(&refusals))?;
        return Ok(ExitCode::SUCCESS);
    }
    // What a server has read when it issues tokens: revocations and keys.
    app.replication.read_changes().await?;
    if let Some(file) = &args.assertion {
        let assertion = read_assertion(file)?;
        let id = args.client_id.as_deref();
        let explained = app.authentication.explain_assertion(&assertion, id).await?;
        args.output.print(&explained, || rules_table(&explained))?;
        return Ok(exit_code(explained.accepted));
    }
    let client = args.client.as_deref().unwrap_or_default();
    let (scope, audience) = (args.scope.as_deref(), args.audience.as_deref());
    let explained = app.tokens.explain(client, scope, audience).await?;
    args.output.print(&explained, || in_words(&explained))?;
    Ok(exit_code(explained.granted))
}

fn read_assertion(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        return Ok(std::io::read_to_string(std::io::stdin())?);
    }
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}

fn rules_table(explained: &AssertionExplanation) -> String {
    let verdict = match &explained.client_id {
        Some(id) => format!("accepted: it authenticates the client {id}"),
        None => "refused: it authenticates no client".to_owned(),
    };
    let rules = output::table(
        &explained.rules,
        &[
            ("passed", |rule| {
                if rule.judged.passed { "yes" } else { "NO" }.to_owned()
            }),
            ("about", |rule| rule.about.clone()),
            ("rule", |rule| rule.judged.rule.clone()),
            ("expected", |rule| rule.judged.expected.clone()),
            ("came", |rule| rule.judged.came.clone()),
        ],
    );
    let mut parts = vec![verdict, rules];
    if !explained.remarks.is_empty() {
        parts.push(explained.remarks.join("\n"));
    }
    parts.join("\n\n")
}

async fn exchange(args: ExchangeArgs) -> anyhow::Result<ExitCode> {
    let token = args.subject_token.map(|it| read_token(Some(it)));
    let token = token.transpose()?.map(Secret::new);
    let question = ExchangeQuestion {
        subject: ExchangeSubject::parse(token, args.subject)?,
        requester: args.requester,
        target: args.audience,
        scope: args.scope,
    };
    let app = open::open().await?;
    app.replication.read_changes().await?;
    let explained = app.tokens.explain_exchange(&question).await?;
    args.output
        .print(&explained, || exchange_in_words(&explained))?;
    Ok(exit_code(explained.granted))
}

fn exchange_in_words(explained: &ExchangeExplanation) -> String {
    let mut parts = Vec::new();
    if let (Some(refusal), Some(check)) = (&explained.refusal, explained.refused_by) {
        parts.push(format!("refused by the check {check}"));
        parts.push(refusal_in_words(refusal));
    }
    let token = explained.header.as_ref().zip(explained.claims.as_ref());
    parts.extend(token.map(token_in_words));
    parts.extend(explained.remarks.iter().cloned());
    parts.join("\n\n")
}

fn token_in_words((header, claims): (&Value, &Value)) -> String {
    format!("granted, as a token like this\n{header:#}\n{claims:#}")
}

fn refusal_in_words(refusal: &ExplainedRejection) -> String {
    output::list(&[
        ("refused", refusal.error.to_owned()),
        ("told", refusal.error_description.clone()),
        ("because", refusal.reason.clone()),
    ])
}

fn in_words(explained: &TokenExplanation) -> String {
    let mut parts = Vec::from_iter(explained.refusal.as_ref().map(refusal_in_words));
    let token = explained.header.as_ref().zip(explained.claims.as_ref());
    parts.extend(token.map(token_in_words));
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
        refusals,
        &[
            ("at", |it| it.at.to_string()),
            ("request_id", |it| it.request_id.clone()),
            ("route", |it| it.route.clone()),
            ("client", |it| {
                it.client_id.as_ref().unwrap_or(&it.hint).clone()
            }),
            ("source", |it| it.source.clone()),
            ("error", |it| it.error.clone()),
            ("because", |it| it.reason.clone()),
        ],
    )
}
