//! `audit`: the trail of everything that was changed.

mod filters;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::confirmation::Confirmation;
use super::output::{self, Output, OutputWithoutId};
use crate::app::{App, AuditFormat, AuditLine, AuditPage, AuditVerdict, ChainLink, ChainedEvent};
use crate::base::json;
use crate::cli::database::open;
use crate::cli::exit_code;
use crate::domain::AuditEvent;
use filters::Filters;

#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// List events, the newest first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Export events, the oldest first
    Export(ExportArgs),
    /// Verify that nobody changed, removed, added or moved an event
    Verify(VerifyArgs),
    /// Accept a trail that cannot be verified, and continue it
    AcceptHead(Confirmation),
}

#[derive(Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filters: Filters,
    /// The most events to list
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only events before this one
    #[arg(long, value_name = "EVENT_ID")]
    before: Option<i64>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    filters: Filters,
    /// `json` for JSON lines, or `csv` with a header line
    #[arg(long, default_value = "json")]
    format: AuditFormat,
}

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// An event that the trail must still contain, as an earlier run printed it
    #[arg(long, value_name = "EVENT_ID:HASH")]
    known: Option<ChainLink>,
    /// Verify without the previous secret: the check before the last step of a rotation of SECRET
    #[arg(long)]
    without_previous: bool,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Serialize)]
struct EventsList<'a> {
    events: Vec<AuditLine<'a>>,
    /// For the next page's `--before`.
    before: Option<i64>,
}

pub(super) async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    let mut config = open::config()?;
    if matches!(&command, AuditCommand::Verify(args) if args.without_previous) {
        config.token.secret_previous = None;
    }
    let app = open::open_under(config).await?;
    match command {
        AuditCommand::List(args) => list(&app, args).await?,
        AuditCommand::Export(args) => export(&app, args).await?,
        AuditCommand::Verify(args) => return verify(&app, args).await,
        AuditCommand::AcceptHead(confirmation) => return accept(&app, confirmation).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(app: &App, args: ListArgs) -> anyhow::Result<()> {
    let filter = args.filters.read(app.clock().now());
    let page = AuditPage::Before(args.before);
    let rows = app.audit.list(&filter, page, args.limit).await?;
    let full = rows.len() == args.limit as usize;
    let before = rows.last().filter(|_| full).map(|row| row.event.event_id);
    let events: Result<Vec<AuditLine>, _> = rows.iter().map(AuditLine::of).collect();
    let list = EventsList {
        events: events.context("an event's JSON is damaged")?,
        before,
    };
    args.output.print(&list, "event_id", || table(&rows))?;
    if let Some(before) = before {
        Output::remark(&format!("there may be more results: --before {before}"));
    } else if rows.is_empty() {
        Output::remark("no events found");
    }
    Ok(())
}

fn table(rows: &[ChainedEvent]) -> String {
    output::table(
        rows,
        &[
            ("event_id", |row| row.event.event_id.to_string()),
            ("at", |row| row.event.at.to_string()),
            ("actor", |row| actor(&row.event)),
            ("source", |row| row.event.source.clone().unwrap_or_default()),
            ("action", |row| row.event.action.clone()),
            ("target", |row| row.event.target.clone()),
            ("client_id", |row| {
                row.event.client_id.clone().unwrap_or_default()
            }),
            ("changed", |row| changed(&row.event)),
        ],
    )
}

fn actor(event: &AuditEvent) -> String {
    if event.actor.is_empty() {
        event.actor_type.clone()
    } else {
        format!("{}:{}", event.actor_type, event.actor)
    }
}

/// The names of the members that were changed.
fn changed(event: &AuditEvent) -> String {
    let members = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        json::from_str::<serde_json::Map<_, _>>(text).unwrap_or_default()
    };
    let (before, after) = (members(&event.before), members(&event.after));
    if before.is_empty() && !after.is_empty() || after.is_empty() {
        return String::new();
    }
    let names: Vec<String> = after.into_iter().map(|(name, _)| name).collect();
    names.join(", ")
}

async fn export(app: &App, args: ExportArgs) -> anyhow::Result<()> {
    let filter = args.filters.read(app.clock().now());
    let mut next = Some(0);
    while let Some(after) = next {
        let piece = app.audit.export(&filter, args.format, after).await?;
        Output::text(&piece.text)?;
        next = piece.after;
    }
    Ok(())
}

async fn verify(app: &App, args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let verdict = app.audit.verify(args.known.as_ref()).await?;
    args.output.print(&verdict, || describe(&verdict))?;
    Ok(exit_code(verdict.good))
}

/// Accepts by hand a trail that `audit verify` cannot verify: after you lost SECRET, or after somebody changed the trail in
/// the database. An event under SECRET records it, and `audit verify` reports it from then on.
async fn accept(app: &App, confirmation: Confirmation) -> anyhow::Result<ExitCode> {
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
    confirmation.ask_to_type(&what, &number)?;
    let accepted = app.audit.accept_head(&open::origin(), &found).await?;
    let verdict = app.audit.verify(None).await?;
    Output::text(&format!(
        "accepted: the trail up to {accepted}\n{}\n",
        describe(&verdict)
    ))?;
    Ok(exit_code(verdict.good))
}

fn describe(verdict: &AuditVerdict) -> String {
    let (checked, last) = (verdict.checked, &verdict.last);
    let mut text = match &verdict.broken {
        None => format!("good: {checked} event(s), the last is {last}"),
        Some(broken) => format!("broken at the event {}: {}", broken.event_id, broken.reason),
    };
    if let Some(accepted_at) = verdict.accepted_at {
        text += &format!(
            "\nnot verified: the events before {accepted_at}, where somebody accepted them by hand (`audit \
                accept-head`)"
        );
    }
    text
}
