//! `client apply`: clients, and trusted issuers, as a file says.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::app::clients::transfer::apply::{
    AppliedClient, AppliedIssuer, ApplyNews, ApplyOptions, ApplyReport, ApplyStep, Manifest, Prune,
};
use crate::app::error::Error;
use crate::app::{App, FieldChange};
use crate::cli::client::export::private_file;
use crate::cli::client::refuse_file;
use crate::cli::database::open;
use crate::cli::output::{Output, OutputWithoutId, printable, stdin};
use crate::domain::ErrorCode;

/// Apply a manifest: create and change the clients of a YAML or JSON file
///
/// The file has `version: 1`, optionally a `name`, and `clients`: a list with the members of `client show --json`. An omitted
/// member gets its default, except `status` and `secrets`, which keep their value. `secrets` is `make` (generate one if the
/// client has no active one, and write it to --secrets-out), or a list with `secret_hash` and `expires_at`. --prune affects
/// only clients with the name of this manifest. `issuers` is a list of trusted issuers with the members of `issuer export`; the
/// command writes them before the clients, and never prunes them.
///
/// Exit codes: 0 done; 6 the file has mistakes, and nothing was changed; 1 another failure; 2 wrong usage; 4 another manifest
/// manages a client of the file.
#[derive(Args)]
pub(in crate::cli) struct ApplyArgs {
    /// The file; `-` for stdin
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// The name of the manifest, if the file has no `name`; by default the name of the file
    #[arg(long)]
    name: Option<String>,
    /// Show the changes, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Disable or delete the clients of this manifest that are no longer in it: `disable` or `delete`
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "disable")]
    prune: Option<Prune>,
    /// Take over clients that another manifest manages
    #[arg(long)]
    take_over: bool,
    /// The new file for new secrets, one JSON object a line; only its owner can read it. It must not exist yet if the manifest
    /// needs a new secret
    #[arg(long, value_name = "FILE")]
    secrets_out: Option<PathBuf>,
    #[command(flatten)]
    output: OutputWithoutId,
}

pub(in crate::cli) async fn run(app: &App, args: ApplyArgs) -> anyhow::Result<ExitCode> {
    let manifest = match parse(&args, &read(&args.file)?) {
        Ok(manifest) => manifest,
        Err(error) => return Ok(refuse_file(&error)),
    };
    let options = ApplyOptions {
        dry_run: args.dry_run,
        prune: args.prune,
        take_over: args.take_over,
        may_write_issuers: true,
    };
    let by = open::origin();
    let look = ApplyOptions {
        dry_run: true,
        ..options
    };
    let plan = app
        .clients
        .apply(&by, &manifest, look, &mut |_| Ok(()))
        .await;
    let plan = match plan {
        Err(error) if error.code == ErrorCode::InvalidRequest => {
            return Ok(refuse_file(&error.into()));
        }
        plan => plan?,
    };
    if args.dry_run {
        print(&plan, args.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Before anything is done: a secret that cannot be written down would be lost.
    let mut secrets = open_secrets(&plan, args.secrets_out.as_deref())?;
    let (mut issuers, mut done) = (0, 0);
    let applied = app
        .clients
        .apply(&by, &manifest, options, &mut |news| {
            match news {
                ApplyNews::Secret(id, secret) => {
                    let line = json!({ "client_id": id, "client_secret": secret.expose() });
                    write_secret(secrets.as_mut(), &line).map_err(Error::internal)?;
                }
                ApplyNews::IssuerDone(it) if it.step != ApplyStep::Unchanged => issuers += 1,
                ApplyNews::Done(client) if client.step != ApplyStep::Unchanged => done += 1,
                ApplyNews::IssuerDone(_) | ApplyNews::Done(_) => {}
            }
            Ok(())
        })
        .await;
    let report = applied.inspect_err(|_| {
        Output::remark(&format!(
            "{issuers} issuer(s) and {done} client(s) were applied before; apply the file again"
        ));
    })?;
    print(&report, args.output)?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = stdin::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

fn parse(args: &ApplyArgs, bytes: &[u8]) -> anyhow::Result<Manifest> {
    let path = args.file.as_path();
    let base = path.file_name().and_then(|name| name.to_str());
    let name = args.name.as_deref().or(base.filter(|name| *name != "-"));
    Manifest::parse(bytes, name).with_context(|| path.display().to_string())
}

fn open_secrets(plan: &ApplyReport, path: Option<&Path>) -> anyhow::Result<Option<File>> {
    let makes_some = plan.clients.iter().any(|client| client.makes_secret);
    match path {
        Some(path) if makes_some => private_file(path).map(Some),
        None if makes_some => {
            let why = "the file generates secrets: name a file for them with --secrets-out";
            Err(Error::invalid_request(why).into())
        }
        Some(_) | None => Ok(None),
    }
}

/// On the disk before it counts.
fn write_secret(file: Option<&mut File>, line: &Value) -> anyhow::Result<()> {
    let file = file.context("there is no file for the generated secrets")?;
    writeln!(file, "{line}").context("cannot write a secret")?;
    file.sync_all().context("cannot write a secret")
}

fn print(report: &ApplyReport, output: OutputWithoutId) -> anyhow::Result<()> {
    output.print(report, || {
        let issuers = report.issuers.iter();
        let issuers = issuers.filter(|issuer| issuer.step != ApplyStep::Unchanged);
        let clients = report.clients.iter();
        let clients = clients.filter(|client| client.step != ApplyStep::Unchanged);
        let mut lines: Vec<String> = issuers.flat_map(describe_issuer).collect();
        lines.extend(clients.flat_map(describe));
        lines.push(summary(report));
        printable(&lines.join("\n"))
    })
}

fn describe_issuer(issuer: &AppliedIssuer) -> Vec<String> {
    let mut lines = vec![headline(&format!("issuer {}", issuer.name), issuer.step)];
    lines.extend(issuer.changes.iter().map(difference));
    lines
}

fn headline(what: &str, step: ApplyStep) -> String {
    let sign = match step {
        ApplyStep::Create => '+',
        ApplyStep::Change => '~',
        ApplyStep::Unchanged => '=',
        ApplyStep::Disable | ApplyStep::Delete => '-',
    };
    format!("{sign} {what} ({})", step.as_str())
}

fn difference(change: &FieldChange) -> String {
    format!(
        "    {}: {} -> {}",
        change.field, change.before, change.after
    )
}

fn describe(client: &AppliedClient) -> Vec<String> {
    let mut lines = vec![headline(client.client_id.as_str(), client.step)];
    lines.extend(client.changes.iter().map(|change| {
        if client.step == ApplyStep::Create {
            format!("    {}: {}", change.field, change.after)
        } else {
            difference(change)
        }
    }));
    lines.extend(client.remarks.iter().map(|remark| format!("    {remark}")));
    lines
}

fn summary(report: &ApplyReport) -> String {
    let told = report.summary();
    if report.dry_run {
        return format!("nothing was changed; without --dry-run: {told}");
    }
    told
}
