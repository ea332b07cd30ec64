//! `client import`: clients from a file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::app::App;
use crate::app::clients::transfer::import::{
    FileSecrets, ImportFormat, ImportLine, ImportNews, ImportOptions, ImportOutcome, ImportReport,
    ImportSource, Narrowing, OnConflict, SecretRules,
};
use crate::cli::client::{MISTAKEN_FILE, refuse_file};
use crate::cli::database::open;
use crate::cli::output::{Output, OutputWithoutId, printable};
use crate::config::parse_seconds;
use crate::domain::TokenTtl;

/// How far it is, is said every so many clients.
const TOLD_EVERY: u64 = 10_000;

/// Import clients from a file
///
/// Reads files of `client export`, clients of Ory Hydra and of a Keycloak realm, and CSV or JSON of a home-made server:
/// `client_id`, `client_secret` (or `client_secret_hash`), and optionally `status` and every field of `client show --json`
/// (`token_ttl` in seconds, `metadata` and `jwks` as JSON, `true` or `false`).
///
/// With `--on-conflict replace` a field that the file cannot express keeps its value; an empty cell removes the value.
///
/// With a mistake in the file the command imports nothing, unless --keep-going is given. It skips clients that could get no
/// tokens here, such as public clients. It names each mistake and each skipped client with its line and the reason.
///
/// Exit codes: 0 all rows are imported; 5 rows with mistakes were skipped (--keep-going); 6 the file has mistakes, and nothing
/// was imported; 1 another failure; 2 wrong usage.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(in crate::cli) struct ImportArgs {
    /// The file; `-` for stdin. Secrets are plain (at least `MIN_SECRET_LENGTH` characters), or argon2, bcrypt, PBKDF2 or
    /// scrypt hashes
    file: PathBuf,
    /// The format: `token-server`, `table` (CSV, a JSON array or JSON lines), `hydra` or `keycloak`; by default detected from
    /// the content
    #[arg(long)]
    format: Option<ImportFormat>,
    /// What to do with an existing client: `skip` it, `refuse` it (a mistake), or `replace` it and its secrets
    #[arg(long, default_value = "skip")]
    on_conflict: OnConflict,
    /// The kind of all secrets in the file. `plain`: a text with the length of a digest in hex or base64 is a plain secret; by
    /// default such a row is a mistake. `generated`: the other server generated them, so that hashing strong ones is cheap. Or
    /// `plain,generated`
    #[arg(long, value_name = "KIND")]
    secrets: Option<FileSecrets>,
    /// Ignore metadata: Ory Hydra shows it to admins only, here each token contains it
    #[arg(long)]
    drop_metadata: bool,
    /// Ignore scopes that Keycloak grants only on request, with their audiences
    #[arg(long)]
    drop_optional_scopes: bool,
    /// Give a request without `scope` no scopes, as Ory Hydra does; by default it gets all scopes of the client
    #[arg(long)]
    explicit_scopes_only: bool,
    /// The token lifetime (`5m`, or seconds) of clients without one in the file; by default `TOKEN_TTL`
    #[arg(long, value_name = "DURATION", value_parser = token_ttl)]
    token_ttl: Option<TokenTtl>,
    /// Show the result for every client, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Skip rows with mistakes and import the others
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    output: OutputWithoutId,
}

pub(in crate::cli) async fn run(app: &App, args: ImportArgs) -> anyhow::Result<ExitCode> {
    let name = args.file.display().to_string();
    let source = source(&args)?;
    let rules = SecretRules::new(app.config(), args.secrets.unwrap_or_default());
    if let Err(error) = source.check(&rules) {
        return Ok(refuse_file(&anyhow::Error::from(error).context(name)));
    }
    let (mut lines, mut told) = (Vec::new(), 0);
    let by = open::origin();
    let mut report = app
        .clients
        .import(&by, &source, args.options(), &mut |news| match news {
            ImportNews::Line(line) => {
                let is_told = line.reason.is_some() || !line.remarks.is_empty();
                remark(&name, line);
                if args.output.is_document() && (args.dry_run || is_told) {
                    lines.push(line.clone());
                } else if args.dry_run && line.reason.is_none() {
                    let _ = Output::text(&(printable(&sentence(line)) + "\n" + &comparison(line)));
                }
            }
            ImportNews::Progress(done, total) => {
                if done >= told + TOLD_EVERY {
                    told = done - done % TOLD_EVERY;
                    let total = total.map_or_else(String::new, |it| format!(" of {it}"));
                    Output::remark(&format!("{done}{total} clients"));
                }
            }
        })
        .await?;
    ignored(&report.ignored);
    // In a dry run all, else those with a reason or a remark.
    report.clients = lines;
    args.output.print(&report, || summary(&report))?;
    Ok(match (report.bad, args.keep_going) {
        (0, _) => ExitCode::SUCCESS,
        (_, true) => ExitCode::from(5),
        (_, false) => ExitCode::from(MISTAKEN_FILE),
    })
}

impl ImportArgs {
    fn options(&self) -> ImportOptions {
        ImportOptions {
            on_conflict: self.on_conflict,
            keep_going: self.keep_going,
            dry_run: self.dry_run,
            max_plain: None,
            secrets: self.secrets.unwrap_or_default(),
            narrowing: Narrowing {
                drop_metadata: self.drop_metadata,
                drop_optional_scopes: self.drop_optional_scopes,
                explicit_scopes_only: self.explicit_scopes_only,
                token_ttl: self.token_ttl,
            },
        }
    }
}

fn token_ttl(text: &str) -> Result<TokenTtl, String> {
    let seconds = match text.parse() {
        Ok(seconds) => seconds,
        Err(_) => parse_seconds(text)?,
    };
    TokenTtl::from_seconds(seconds).map_err(|error| error.to_string())
}

fn source(args: &ImportArgs) -> anyhow::Result<ImportSource> {
    if args.file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        read.context("cannot read stdin")?;
        return Ok(ImportSource::of_bytes(args.format, bytes));
    }
    let path = args.file.clone();
    // Else it would be told as a mistake in the file.
    File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(ImportSource::new(args.format, move || {
        Ok(Box::new(BufReader::new(File::open(&path)?)))
    }))
}

fn ignored(names: &BTreeSet<String>) {
    if !names.is_empty() {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Output::remark(&format!(
            "ignored these columns, which this server does not use: {}",
            printable(&names.join(", "))
        ));
    }
}

/// Says why a row is not imported, or what of it is not.
fn remark(file: &str, line: &ImportLine) {
    let whom = line.client_id.as_ref();
    let whom = whom.map_or_else(String::new, |id| format!("`{id}`: "));
    // Of a file that is one line the line says nothing.
    let which = if line.client_id.is_none() || line.row > line.line {
        format!(" (row {})", line.row)
    } else {
        String::new()
    };
    let skipped = if line.is_bad() { "" } else { "skipped: " };
    let reason = line.reason.as_ref();
    let reason = reason.map(|reason| format!("{skipped}{reason}"));
    for told in reason.iter().chain(&line.remarks) {
        let told = printable(&format!("{whom}{told}{which}"));
        Output::remark(&format!("{file}:{}: {told}", line.line));
    }
}

fn sentence(line: &ImportLine) -> String {
    let id = line.client_id.as_deref().unwrap_or_default();
    match (line.outcome, line.fields.as_deref()) {
        (ImportOutcome::Replaced, Some(fields @ [_, ..])) => {
            format!("{id}: would be replaced ({})", fields.join(", "))
        }
        (ImportOutcome::Replaced, _) => format!("{id}: would be replaced"),
        (ImportOutcome::Created, _) => format!("{id}: would be created"),
        (ImportOutcome::Existing, _) => format!("{id}: exists, would be skipped"),
        (outcome, _) => format!("{id}: {outcome}"),
    }
}

/// What the other server has of a client, and what it is here then.
fn comparison(line: &ImportLine) -> String {
    let sides = [("there", &line.there), ("here", &line.here)];
    let sides = sides.into_iter().filter_map(|(side, members)| {
        let members: Vec<String> = members
            .as_ref()?
            .iter()
            .map(|(name, value)| match value.as_str() {
                Some(text) => format!("{name} `{text}`"),
                None => format!("{name} {value}"),
            })
            .collect();
        Some(format!("  {side}: {}\n", printable(&members.join(", "))))
    });
    sides.collect()
}

fn summary(report: &ImportReport) -> String {
    let bad = report.bad;
    if report.refused {
        let tense = if report.dry_run { "would be" } else { "was" };
        return format!(
            "nothing {tense} imported: {bad} row(s) with mistakes; correct them or add --keep-going"
        );
    }
    let some = |count: u64, text: &str| (count > 0).then(|| text.replace('#', &count.to_string()));
    let parts = [
        Some(format!("imported {}", report.imported)),
        some(report.replaced, "replaced #"),
        some(report.unchanged, "found # as in the file"),
        Some(format!("left {} existing ones unchanged", report.existing)),
        some(report.skipped, "skipped # that get no tokens here"),
        Some(format!("skipped {bad} row(s) with mistakes")),
    ];
    let told = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if report.dry_run {
        return format!("nothing was changed; without --dry-run: {told}");
    }
    told
}
