//! `usage` and `overview`: what clients do, who does most and wastes most, and how the service is.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::{self, Output, OutputWithoutId, text_or};
use crate::app::error::Result;
use crate::app::{App, ExcessSpan, Overview};
use crate::base::clock::UnixTime;
use crate::cli::database::open;
use crate::domain::{ClientId, ExcessTokens, UsageCounts, UsageIn, UsageOf, UsageSpan};

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
    Top(OutputWithoutId),
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
pub(super) struct ExcessArgs {
    /// Over the last `24h` or `30d`
    #[arg(long, default_value = "24h")]
    over: ExcessSpan,
    #[command(flatten)]
    output: Output,
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
            let since = args.since(&app).await?;
            let hours = app.usage.list_of_client(&args.client_id, since).await?;
            args.output.print(&hours, || spans(&hours))?;
        }
        UsageCommand::Exchanges(args) => {
            let since = args.since(&app).await?;
            let found = app.usage.list_exchanges(&args.client_id, since).await?;
            args.output.print(&found, || {
                output::table(
                    &found,
                    &[
                        ("target", |it| it.target.to_string()),
                        ("exchanges", |it| it.exchanges.to_string()),
                    ],
                )
            })?;
        }
        UsageCommand::Top(output) => {
            let found = app.usage.find_busiest_clients().await?;
            let top = Top {
                most_active: &found.value.active,
                most_failing: &found.value.failing,
            };
            output.print(&top, || {
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

impl ClientArgs {
    /// From when on, for a client that there is.
    async fn since(&self, app: &App) -> Result<UnixTime> {
        app.clients.find(&self.client_id).await?;
        Ok(app.clock().now().plus(-self.last))
    }
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
    let since = app.clock().now().plus(-last);
    let found = app.usage.list(args.by, since).await?;
    args.output.print(&found, || spans(&found))
}

fn spans(list: &[UsageIn]) -> String {
    output::table(
        list,
        &[
            ("start", |it| it.start.to_string()),
            ("issued", |it| it.counts.issued.to_string()),
            ("verified", |it| it.counts.verified.to_string()),
            ("refused", |it| it.counts.refused.to_string()),
        ],
    )
}

fn ranking(list: &[UsageOf]) -> String {
    output::table(
        list,
        &[
            ("client_id", |it| it.client_id.to_string()),
            ("issued", |it| it.counts.issued.to_string()),
            ("verified", |it| it.counts.verified.to_string()),
            ("refused", |it| it.counts.refused.to_string()),
        ],
    )
}

fn excess_table(list: &[ExcessTokens]) -> String {
    output::table(
        list,
        &[
            ("client_id", |it| it.client_id.to_string()),
            ("excess", |it| it.wasted().to_string()),
            ("issued", |it| it.issued.to_string()),
            ("needed", |it| it.needed.to_string()),
            ("token_ttl", |it| format!("{} s", it.token_ttl.seconds())),
            ("token_quota", |it| text_or(it.token_quota, "none")),
        ],
    )
}

pub(super) async fn overview(output: OutputWithoutId) -> anyhow::Result<ExitCode> {
    let overview = open::open().await?.overview(Duration::MAX).await?;
    output.print(&overview, || in_words(&overview))?;
    Ok(ExitCode::SUCCESS)
}

fn in_words(overview: &Overview) -> String {
    let service = output::list(&[
        ("issuer", overview.issuer.clone()),
        ("signing_alg", overview.signing_alg.to_string()),
        ("database", overview.database.to_owned()),
        ("last hour", sum(&overview.minutes)),
        ("last 30 days", sum(&overview.hours)),
        ("next key signs", text_or(overview.rotation_due, "-")),
    ]);
    let replicas = output::table(
        &overview.replicas,
        &[
            ("replica", |it| format!("{} {}", it.name, it.replica_id)),
            ("version", |it| it.version.clone()),
            ("started_at", |it| it.started_at.to_string()),
            ("seen_at", |it| it.seen_at.to_string()),
            ("changes_read_at", |it| text_or(it.changes_read_at, "-")),
            ("certificate_ends", |it| {
                text_or(it.certificate_expires_at, "-")
            }),
        ],
    );
    let secrets = output::table(
        &overview.ending_secrets,
        &[
            ("client_id", |it| it.client_id.to_string()),
            ("secret_id", |it| it.secret_id.to_string()),
            ("ends_at", |it| it.expires_at.to_string()),
            ("is_last", |it| {
                if it.is_last { "yes" } else { "no" }.to_owned()
            }),
        ],
    );
    let keys = output::table(
        &overview.ending_keys,
        &[
            ("kid", |it| it.kid.to_string()),
            ("alg", |it| it.alg.to_string()),
            ("ends_at", |it| it.ends_at.to_string()),
        ],
    );
    let active = ranking(&overview.most_active);
    let failing = ranking(&overview.most_failing);
    format!(
        "{service}\n\nreplicas\n{replicas}\n\nmost active in 24 hours\n{active}\n\nmost failing in 24 hours\n{failing}\n\n\
         secrets that expire soon\n{secrets}\n\nretired keys\n{keys}"
    )
}

fn sum(spans: &[UsageIn]) -> String {
    let mut all = UsageCounts::default();
    for span in spans {
        all.add(span.counts);
    }
    let UsageCounts {
        issued,
        verified,
        refused,
    } = all;
    format!("{issued} issued, {verified} verified, {refused} refused")
}
