//! `usage` and `overview`: what clients do, who does most and wastes most, and how the service is.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::{self, Output, OutputWithoutId};
use crate::app::{App, ExcessSpan, Overview};
use crate::base::clock::UnixTime;
use crate::cli::database::open;
use crate::domain::{
    ClientId, ExcessTokens, ExchangeUsage, Replica, UsageCounts, UsageIn, UsageOf, UsageSpan,
};

const HOUR: i64 = 3_600;

#[derive(Subcommand)]
pub(super) enum UsageCommand {
    /// Show the usage of all clients together
    Totals(TotalsArgs),
    /// Show the usage of a client by the hour
    Client(ClientArgs),
    /// Show how often a client exchanged a token for each target
    Exchanges(ClientArgs),
    /// Show the busiest clients and those with the most refusals, in 24 hours
    Top(TopArgs),
    /// Show the clients with excess tokens (more tokens than they need), worst first
    Excess(ExcessArgs),
    /// The name of `excess` in 0.1.0
    #[command(hide = true)]
    Waste(ExcessArgs),
}

#[derive(Args)]
pub(super) struct TotalsArgs {
    /// `minute` (for the last three hours) or `hour`
    #[arg(long, default_value = "hour", value_parser = UsageSpan::parse)]
    by: UsageSpan,
    /// The time to look back, such as `7d`; by default an hour by the minute and a day by the hour
    #[arg(long = "last", value_name = "DURATION", value_parser = crate::config::parse_seconds)]
    last: Option<i64>,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(super) struct ClientArgs {
    /// The client
    client_id: ClientId,
    /// The time to look back
    #[arg(long = "last", value_name = "DURATION", default_value = "24h", value_parser = crate::config::parse_seconds)]
    last: i64,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(super) struct TopArgs {
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(super) struct ExcessArgs {
    /// Over the last `24h` or `30d`
    #[arg(long, default_value = "24h")]
    over: ExcessSpan,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct OverviewArgs {
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Serialize)]
struct Top<'a> {
    most_active: &'a [UsageOf],
    most_failing: &'a [UsageOf],
}

pub(super) async fn run(command: UsageCommand) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    match command {
        UsageCommand::Totals(args) => totals(&app, &args).await?,
        UsageCommand::Client(args) => {
            app.clients.find(&args.client_id).await?;
            let since = app.clock().now().plus(-args.last);
            let hours = app.usage.list_of_client(&args.client_id, since).await?;
            args.output.print(&hours, || spans(&hours))?;
        }
        UsageCommand::Exchanges(args) => {
            app.clients.find(&args.client_id).await?;
            let since = app.clock().now().plus(-args.last);
            let found = app.usage.list_exchanges(&args.client_id, since).await?;
            args.output.print(&found, || exchanges(&found))?;
        }
        UsageCommand::Top(args) => {
            let found = app.usage.find_busiest_clients().await?;
            let top = Top {
                most_active: &found.value.active,
                most_failing: &found.value.failing,
            };
            args.output.print(&top, || {
                let (active, failing) = (ranking(top.most_active), ranking(top.most_failing));
                format!("most active\n{active}\n\nmost failing\n{failing}")
            })?;
        }
        UsageCommand::Excess(args) => excess(&app, &args).await?,
        UsageCommand::Waste(args) => {
            Output::remark_renamed("usage waste", "usage excess");
            excess(&app, &args).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn excess(app: &App, args: &ExcessArgs) -> anyhow::Result<()> {
    let found = app.usage.find_excess_tokens(args.over).await?;
    let list = &found.value;
    args.output
        .print(list, "client_id", || excess_table(list))?;
    if list.is_empty() {
        Output::remark("no client got more tokens than it needed");
    }
    Ok(())
}

async fn totals(app: &App, args: &TotalsArgs) -> anyhow::Result<()> {
    let last = args.last.unwrap_or(match args.by {
        UsageSpan::Minute => HOUR,
        UsageSpan::Hour => 24 * HOUR,
    });
    let found = app
        .usage
        .list(args.by, app.clock().now().plus(-last))
        .await?;
    args.output.print(&found, || spans(&found))
}

fn spans(list: &[UsageIn]) -> String {
    output::table(
        &["start", "issued", "verified", "refused"],
        list.iter().map(|it| {
            let [issued, verified, refused] = counts(it.counts);
            vec![it.start.to_string(), issued, verified, refused]
        }),
    )
}

fn exchanges(list: &[ExchangeUsage]) -> String {
    output::table(
        &["target", "exchanges"],
        list.iter()
            .map(|it| vec![it.target.to_string(), it.exchanges.to_string()]),
    )
}

fn counts(counts: UsageCounts) -> [String; 3] {
    [counts.issued, counts.verified, counts.refused].map(|count| count.to_string())
}

fn ranking(list: &[UsageOf]) -> String {
    output::table(
        &["client_id", "issued", "verified", "refused"],
        list.iter().map(|it| {
            let [issued, verified, refused] = counts(it.counts);
            vec![it.client_id.to_string(), issued, verified, refused]
        }),
    )
}

fn excess_table(list: &[ExcessTokens]) -> String {
    output::table(
        &[
            "client_id",
            "excess",
            "issued",
            "needed",
            "token_ttl",
            "token_quota",
        ],
        list.iter().map(|it| {
            vec![
                it.client_id.to_string(),
                it.wasted().to_string(),
                it.issued.to_string(),
                it.needed.to_string(),
                format!("{} s", it.token_ttl.seconds()),
                it.token_quota
                    .map_or_else(|| "none".to_owned(), |quota| quota.to_string()),
            ]
        }),
    )
}

pub(super) async fn overview(args: OverviewArgs) -> anyhow::Result<ExitCode> {
    let overview = open::open().await?.overview(Duration::MAX).await?;
    args.output.print(&overview, || in_words(&overview))?;
    Ok(ExitCode::SUCCESS)
}

fn in_words(overview: &Overview) -> String {
    let time = |at: Option<UnixTime>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let service = output::list(&[
        ("issuer", overview.issuer.clone()),
        ("signing_alg", overview.signing_alg.to_string()),
        ("database", overview.database.to_owned()),
        ("last hour", sum(&overview.minutes)),
        ("last 30 days", sum(&overview.hours)),
        ("next key signs", time(overview.rotation_due)),
    ]);
    let replicas = output::table(
        &[
            "replica",
            "version",
            "started_at",
            "seen_at",
            "changes_read_at",
            "certificate_ends",
        ],
        overview.replicas.iter().map(|it: &Replica| {
            vec![
                format!("{} {}", it.name, it.replica_id),
                it.version.clone(),
                it.started_at.to_string(),
                it.seen_at.to_string(),
                time(it.changes_read_at),
                time(it.certificate_expires_at),
            ]
        }),
    );
    let secrets = output::table(
        &["client_id", "secret_id", "ends_at", "is_last"],
        overview.ending_secrets.iter().map(|it| {
            let is_last = if it.is_last { "yes" } else { "no" };
            vec![
                it.client_id.to_string(),
                it.secret_id.to_string(),
                it.expires_at.to_string(),
                is_last.to_owned(),
            ]
        }),
    );
    let keys = output::table(
        &["kid", "alg", "ends_at"],
        overview.ending_keys.iter().map(|it| {
            vec![
                it.kid.to_string(),
                it.alg.to_string(),
                it.ends_at.to_string(),
            ]
        }),
    );
    [
        service,
        format!("replicas\n{replicas}"),
        format!(
            "most active in 24 hours\n{}",
            ranking(&overview.most_active)
        ),
        format!(
            "most failing in 24 hours\n{}",
            ranking(&overview.most_failing)
        ),
        format!("secrets that expire soon\n{secrets}"),
        format!("retired keys\n{keys}"),
    ]
    .join("\n\n")
}

fn sum(spans: &[UsageIn]) -> String {
    let mut all = UsageCounts::default();
    for span in spans {
        all.add(span.counts);
    }
    let [issued, verified, refused] = counts(all);
    format!("{issued} issued, {verified} verified, {refused} refused")
}
