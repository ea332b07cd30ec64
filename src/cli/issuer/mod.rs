//! `issuer`: whose tokens prove who a client is.

mod transfer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::error::{Error, Result};
use crate::app::{App, IssuerCheck, ListedIssuer, RevokedAtIssuer, issuer_lines};
use crate::base::json;
use crate::cli::database::open;
use crate::cli::database::open::origin;
use crate::cli::exit_code;
use crate::cli::output::confirmation::Confirmation;
use crate::cli::output::{self, Output};
use crate::config::parse_seconds;
use crate::domain::{
    FilePath, IssuerName, IssuerSpec, IssuerStatus, IssuerUrl, Replay, TrustDomain, TrustedIssuer,
};

#[derive(Subcommand)]
pub(in crate::cli) enum IssuerCommand {
    /// Trust an issuer: clients with an identity there log in with its tokens
    #[command(aliases = ["create", "new"])]
    Add(Box<AddArgs>),
    /// List the trusted issuers
    #[command(visible_alias = "ls")]
    List(Output),
    /// Show an issuer, and how many clients have an identity there
    #[command(visible_alias = "get", alias = "describe")]
    Show(OneIssuer),
    /// Change an issuer; only the given options change
    #[command(aliases = ["edit", "set"])]
    Update(Box<UpdateArgs>),
    /// Remove an issuer at which no client has an identity
    #[command(visible_alias = "rm", alias = "delete")]
    Remove {
        /// The issuer
        name: IssuerName,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Fetch the keys of an issuer now, and show them, or why the fetch failed
    Check(OneIssuer),
    /// Disable an issuer: no client can log in through it; the identities stay
    Disable(DisableArgs),
    /// Enable a disabled issuer
    Enable(OneIssuer),
    /// Write all issuers as one JSON document
    Export {
        /// A new file that only its owner can read; by default stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Add and change the issuers of such a document; other issuers stay unchanged
    Import(transfer::ImportArgs),
}

#[derive(Args)]
pub(in crate::cli) struct OneIssuer {
    /// The issuer
    name: IssuerName,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(in crate::cli) struct DisableArgs {
    /// The issuer
    name: IssuerName,
    /// Also revoke all tokens of every client with an identity there
    #[arg(long)]
    revoke_tokens: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(in crate::cli) struct AddArgs {
    /// A name for the issuer
    name: IssuerName,
    /// The exact `iss` of its tokens
    #[arg(long, value_name = "URL", required_unless_present = "trust_domain")]
    issuer: Option<IssuerUrl>,
    /// The SPIFFE trust domain of its JWT-SVIDs
    #[arg(long, value_name = "DOMAIN", conflicts_with = "issuer")]
    trust_domain: Option<TrustDomain>,
    #[command(flatten)]
    fields: IssuerFields,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(in crate::cli) struct UpdateArgs {
    /// The issuer
    name: IssuerName,
    #[command(flatten)]
    fields: IssuerFields,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(in crate::cli) struct IssuerFields {
    /// The URL of its discovery document, or `default` for `iss` and `/.well-known/openid-configuration`
    #[arg(long, value_name = "URL", group = "place")]
    discovery_url: Option<String>,
    /// The URL of its JWK set, in place of discovery
    #[arg(long, value_name = "URL", group = "place")]
    jwks_uri: Option<String>,
    /// Its JWK set, or the bundle of its trust domain: a file that is read now
    #[arg(long, value_name = "FILE", group = "place")]
    jwks: Option<PathBuf>,
    /// The URL of the bundle of its trust domain
    #[arg(long, value_name = "URL", group = "place")]
    bundle_endpoint: Option<String>,
    /// The bundle of its trust domain: a file that the server reads
    #[arg(long, value_name = "FILE", group = "place")]
    bundle_file: Option<FilePath>,
    /// A further host from which the server may fetch keys; may be repeated, and `none` removes all
    #[arg(long = "allow-host", value_name = "HOST")]
    allowed_hosts: Option<Vec<String>>,
    /// Allow the hosts to have addresses that are not public
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    private_addresses: Option<bool>,
    /// A PEM file of certificate authorities to trust beside the system's, or `none`
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// A file with a bearer token, which the server sends only to the host of the URL; or `none`
    #[arg(long, value_name = "FILE")]
    bearer_token_file: Option<String>,
    /// An allowed signature algorithm; may be repeated, and `all` allows every one
    #[arg(long = "algorithm", value_name = "ALG")]
    algorithms: Option<Vec<String>>,
    /// An accepted audience in place of `ISSUER`; may be repeated, and `default` restores `ISSUER`
    #[arg(long = "audience", value_name = "AUDIENCE")]
    audiences: Option<Vec<String>>,
    /// The longest lifetime of its tokens, counted from `iat`: one minute to `24h`; new issuers have `1h`
    #[arg(long, value_name = "DURATION")]
    max_lifetime: Option<String>,
    /// Whether a token is valid for one login (`once`, for new issuers) or until it expires (`allow`)
    #[arg(long, value_parser = Replay::parse)]
    replay: Option<Replay>,
}

impl IssuerFields {
    /// What is said; reads the file of `--jwks`.
    fn spec(self) -> Result<IssuerSpec> {
        let unless = |word: &str, text: String| Some(text).filter(|text| text != word);
        let file = |text: String| {
            unless("none", text)
                .map(|it| FilePath::parse(&it))
                .transpose()
        };
        let list = |word: &str, texts: Vec<String>| -> Vec<String> {
            texts.into_iter().filter(|text| text != word).collect()
        };
        let seconds = self.max_lifetime.map(|text| parse_seconds(&text));
        Ok(IssuerSpec {
            discovery_url: self.discovery_url.map(|it| unless("default", it)),
            jwks_uri: self.jwks_uri.map(Some),
            jwks: self.jwks.as_deref().map(read_keys).transpose()?.map(Some),
            bundle_endpoint: self.bundle_endpoint.map(Some),
            bundle_file: self.bundle_file.map(Some),
            allowed_hosts: self.allowed_hosts.map(|it| list("none", it)),
            private_addresses: self.private_addresses,
            ca_file: self.ca_file.map(file).transpose()?,
            bearer_token_file: self.bearer_token_file.map(file).transpose()?,
            algorithms: self.algorithms.map(|it| list("all", it)),
            audiences: self.audiences.map(|it| list("default", it)),
            max_lifetime: seconds.transpose().map_err(Error::invalid_request)?,
            replay: self.replay,
            ..IssuerSpec::default()
        })
    }
}

fn read_keys(path: &Path) -> Result<Map<String, Value>> {
    let about = |why: String| Error::invalid_request(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| about(error.to_string()))?;
    json::from_str(&text).map_err(|error| about(error.to_string()))
}

#[derive(Serialize)]
struct PrintedList<'a> {
    issuers: &'a [ListedIssuer],
}

#[derive(Serialize)]
struct PrintedRevoked<'a> {
    name: &'a IssuerName,
    #[serde(flatten)]
    revoked: RevokedAtIssuer,
}

pub(in crate::cli) async fn run(command: IssuerCommand) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    match command {
        IssuerCommand::Add(args) => {
            let spec = IssuerSpec {
                name: Some(args.name),
                issuer: args.issuer,
                trust_domain: args.trust_domain,
                ..args.fields.spec()?
            };
            let issuer = app.issuers.add(&origin(), spec).await?;
            print(&issuer, args.output)?;
        }
        IssuerCommand::List(output) => list(&app, output).await?,
        IssuerCommand::Show(args) => show(&app, &args.name, args.output).await?,
        IssuerCommand::Update(args) => {
            let spec = args.fields.spec()?;
            let issuer = app.issuers.update(&origin(), &args.name, spec).await?;
            print(&issuer, args.output)?;
        }
        IssuerCommand::Remove { name, confirmation } => {
            let name = app.issuers.find(&name).await?.issuer.name;
            let what = format!("the issuer `{name}` is removed with its settings");
            confirmation.ask(&what, "Remove it?")?;
            app.issuers.remove(&origin(), &name).await?;
            Output::remark(&format!("removed {name}"));
        }
        IssuerCommand::Check(args) => return check(&app, &args.name, args.output).await,
        IssuerCommand::Disable(args) => disable(&app, &args).await?,
        IssuerCommand::Enable(args) => {
            let enabled = IssuerStatus::Enabled;
            let by = origin();
            let issuer = app.issuers.set_status(&by, &args.name, enabled).await?;
            print(&issuer, args.output)?;
        }
        IssuerCommand::Export { out } => transfer::export(&app, out.as_deref()).await?,
        IssuerCommand::Import(args) => transfer::import(&app, &args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(issuer: &TrustedIssuer, output: Output) -> anyhow::Result<()> {
    output.print(issuer, "name", || output::list(&issuer_lines(issuer)))
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let issuers = &app.issuers.list().await?;
    output.print(&PrintedList { issuers }, "name", || {
        output::table(
            issuers,
            &[
                ("name", |it| it.issuer.name.to_string()),
                ("anchor", |it| it.issuer.anchor.to_string()),
                ("status", |it| it.issuer.status.to_string()),
                ("replay", |it| it.issuer.replay.to_string()),
                ("clients", |it| it.clients.to_string()),
            ],
        )
    })?;
    if issuers.is_empty() {
        Output::remark("no issuer is trusted; `token-server issuer add` adds one");
    }
    Ok(())
}

async fn show(app: &App, name: &IssuerName, output: Output) -> anyhow::Result<()> {
    let listed = app.issuers.find(name).await?;
    output.print(&listed, "name", || {
        let mut lines = issuer_lines(&listed.issuer);
        lines.push(("clients".to_owned(), listed.clients.to_string()));
        output::list(&lines)
    })
}

async fn check(app: &App, name: &IssuerName, output: Output) -> anyhow::Result<ExitCode> {
    let check = app.issuers.check(name).await?;
    output.print(&check, "name", || in_words(&check))?;
    Ok(exit_code(check.error.is_none()))
}

fn in_words(check: &IssuerCheck) -> String {
    let mut lines = vec![
        ("name", check.name.to_string()),
        ("anchor", check.anchor.clone()),
    ];
    lines.extend(check.asked.iter().map(|it| ("asked", it.clone())));
    lines.extend(check.jwks_uri.iter().map(|it| ("jwks_uri", it.clone())));
    let keys = check.keys.iter();
    lines.extend(keys.map(|key| {
        let kid = key.kid.as_deref().unwrap_or("(no kid)");
        ("key", format!("{} {kid}", key.kind))
    }));
    lines.extend(check.skipped.iter().map(|it| ("not used", it.clone())));
    lines.extend(check.remarks.iter().map(|it| ("remark", it.clone())));
    lines.extend(check.error.iter().map(|it| ("error", it.clone())));
    output::list(&lines)
}

async fn disable(app: &App, args: &DisableArgs) -> anyhow::Result<()> {
    let (by, name) = (&origin(), &args.name);
    let clients = app.issuers.find(name).await?.clients;
    let tokens = if args.revoke_tokens {
        ", and all their tokens are revoked"
    } else {
        ""
    };
    let what = format!(
        "{clients} client(s) have an identity at `{name}`; their logins through it fail{tokens}"
    );
    args.confirmation.ask(&what, "Disable it?")?;
    if !args.revoke_tokens {
        let disabled = IssuerStatus::Disabled;
        let issuer = app.issuers.set_status(by, name, disabled).await?;
        return print(&issuer, args.output);
    }
    let revoked = PrintedRevoked {
        name,
        revoked: app.issuers.disable_and_revoke(by, name).await?,
    };
    args.output.print(&revoked, "name", || {
        format!(
            "disabled {name}; the tokens of {} client(s) are revoked",
            revoked.revoked.revoked_clients
        )
    })
}
