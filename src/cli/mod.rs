//! The command line: one file per command, which calls `app` and prints. No SQL, no cryptography.
//!
//! Exit codes: 0 success; 1 failure; 2 wrong usage; 3 not found; 4 exists already; 5 partial success; 6 mistakes in
//! a file.

mod admin;
mod audit;
mod certificate;
mod client;
mod clock;
mod database;
mod health;
mod issuer;
mod key;
mod output;
mod serve;
mod settings;
mod token;
mod usage;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::borrow::Cow;
use std::panic::{self, PanicHookInfo};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use tokio::runtime::Builder;

use crate::app::error::Error;
use crate::base::redact::redact;
use crate::cli::serve::ServeArgs;
use crate::domain::ErrorCode;
use database::open;
use output::{Output, OutputWithoutId};
use serve::systemd::HandedOver;
use settings::man;
use token::explain;

const AFTER_HELP: &str = "\
Settings come from the environment and from `.env` in the working directory; `settings --explain` explains each.
Without any setting, `token-server` prepares a first try on this machine.

A command that disables, deletes, retires or revokes asks first; without a terminal it needs --yes.

Exit codes: 0 success; 1 failure; 2 wrong usage; 3 not found; 4 exists already; 5 partial success; 6 mistakes in a file";

/// Issues access tokens to machines, and verifies them.
#[derive(Parser)]
#[command(name = "token-server", version)]
#[command(after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
    /// Work in this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// Read the settings from this file, in place of `.env`
    #[arg(long, value_name = "FILE", global = true)]
    env_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTPS (the default command)
    #[command(aliases = ["run", "start", "server"])]
    Serve(ServeArgs),
    /// Check the configuration, the certificate, the database and the keys, without serving
    #[command(alias = "doctor")]
    Check,
    /// Check whether the server on this machine is alive or ready, for images without a shell
    #[command(aliases = ["healthcheck", "ping"])]
    Health(health::HealthArgs),
    /// Show the settings in force, secrets masked; or explain settings
    #[command(aliases = ["config", "setting", "env"])]
    Settings(settings::SettingsArgs),
    /// Bring the database's schema up to date
    Migrate,
    /// Back up a SQLite database to a file, also while servers use it
    Backup(database::BackupArgs),
    /// Prepare a database that was restored from a backup, before servers use it
    Restore(database::RestoreArgs),
    /// Generate a SECRET for the server
    #[command(subcommand)]
    Secret(settings::SecretCommand),
    /// Manage clients, their secrets and identities
    #[command(subcommand, alias = "clients")]
    Client(Box<client::ClientCommand>),
    /// Manage trusted issuers, with whose tokens clients log in
    #[command(subcommand, alias = "issuers")]
    Issuer(issuer::IssuerCommand),
    /// Manage the keys that sign tokens
    #[command(subcommand, alias = "keys")]
    Key(key::KeyCommand),
    /// Confirm that this machine's clock is right, when the server doubts it
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    /// Manage the certificate that an authority issues (`TLS_ACME_NAMES`)
    #[command(subcommand, aliases = ["cert", "certificates"])]
    Certificate(certificate::CertificateCommand),
    /// Manage admins: the people who log in to the portal
    #[command(subcommand, alias = "admins")]
    Admin(admin::AdminCommand),
    /// Read the audit trail, and verify it
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Show the state of the service: usage, busiest clients, what expires soon, and the replicas
    #[command(aliases = ["status", "stats"])]
    Overview(OutputWithoutId),
    /// Show the usage of clients, and their excess tokens
    #[command(subcommand)]
    Usage(usage::UsageCommand),
    /// Explain which token a client would get, or why a request was refused
    Explain(explain::ExplainArgs),
    /// Inspect tokens and revoke them
    #[command(subcommand, alias = "tokens")]
    Token(token::TokenCommand),
    /// Print a completion script for a shell
    #[command(alias = "completion")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages, for packages
    #[command(hide = true)]
    Man {
        /// The folder; it is created when it is missing
        folder: PathBuf,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(report_panic));
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse_arguments(&error));
    // Before there are threads, since it changes the environment.
    let handed_over = HandedOver::take();
    if let Err(error) = open::locate(cli.directory.as_deref(), cli.env_file) {
        return report(&error);
    }
    // This thread is all that a command needs, and one of those that serve.
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&anyhow::Error::from(error)),
    };
    let command = match cli.command {
        Some(_) if cli.serve != ServeArgs::default() => refuse_arguments(&Cli::command().error(
            clap::error::ErrorKind::ArgumentConflict,
            "put the flags of `serve` after `serve`, or use them without a command",
        )),
        Some(command) => command,
        None => Command::Serve(cli.serve),
    };
    let done = runtime.block_on(async {
        let done = run(command, handed_over).await;
        open::close().await;
        done
    });
    match done {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

async fn run(command: Command, handed_over: HandedOver) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(args, handed_over).await,
        Command::Check => serve::check::run().await,
        Command::Health(args) => health::run(args).await,
        Command::Settings(args) => settings::run(&args),
        Command::Migrate => database::migrate().await,
        Command::Backup(args) => database::back_up(args).await,
        Command::Restore(args) => database::restore(args).await,
        Command::Secret(settings::SecretCommand::New) => settings::print_new_secret(),
        Command::Client(command) => client::run(*command).await,
        Command::Issuer(command) => issuer::run(command).await,
        Command::Key(command) => key::run(command).await,
        Command::Clock(command) => clock::run(command).await,
        Command::Certificate(command) => certificate::run(command).await,
        Command::Admin(command) => admin::run(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Overview(output) => usage::overview(output).await,
        Command::Usage(command) => usage::run(command).await,
        Command::Explain(args) => explain::run(args).await,
        Command::Token(command) => token::run(command).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "token-server", &mut script);
            Output::text(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { folder } => man::run(Cli::command(), &folder),
    }
}

fn exit_code(is_good: bool) -> ExitCode {
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints what is wrong with the arguments, redacted: clap quotes the one that it does not understand.
fn refuse_arguments(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    match redact(&text) {
        Cow::Borrowed(_) => error.exit(),
        Cow::Owned(shown) => {
            Output::remark(shown.trim_end());
            std::process::exit(error.exit_code())
        }
    }
}

/// Prints a panic, redacted: some quote the text that they stumble over.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let trace = Backtrace::capture();
    let mut text = redact(&panic.to_string()).into_owned();
    if trace.status() == BacktraceStatus::Captured {
        text += &format!("\n{trace}");
    }
    Output::remark(&text);
}

/// Prints the error with its causes, once, and chooses the exit code.
fn report(error: &anyhow::Error) -> ExitCode {
    Output::remark(&format!("error: {}", output::chain(error)));
    match error.downcast_ref::<Error>().map(|error| error.code) {
        Some(ErrorCode::InvalidRequest) => ExitCode::from(2),
        Some(ErrorCode::NotFound) => ExitCode::from(3),
        Some(ErrorCode::Conflict) => ExitCode::from(4),
        _ => ExitCode::FAILURE,
    }
}
