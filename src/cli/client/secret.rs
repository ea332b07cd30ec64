//! `client secret`: adding secrets to a client and ending them.

use std::io::{IsTerminal, Read};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::app::error::Error;
use crate::app::{AddedSecret, App, ListedSecret, NewClient, NewSecret};
use crate::base::clock::UnixTime;
use crate::base::secret::Secret;
use crate::cli::client::view;
use crate::cli::open::origin;
use crate::cli::output;
use crate::cli::output::Output;
use crate::domain::{ClientId, IdleExpiry, SecretId};

#[derive(Subcommand)]
pub(in crate::cli) enum SecretCommand {
    /// Add a secret and print it, once; the others stay good
    Add(AddArgs),
    /// List a client's secrets: their dates and when they were last used, never the secrets
    List(ListArgs),
    /// End a secret, now or later
    Expire(ExpireArgs),
    /// Remove a secret: it ends at once, and nothing is left of it
    Delete(DeleteArgs),
}

#[derive(Args)]
pub(in crate::cli) struct AddArgs {
    /// The client
    client_id: ClientId,
    #[command(flatten)]
    secret: NewSecretArgs,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(in crate::cli) struct ListArgs {
    /// The client
    client_id: ClientId,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(in crate::cli) struct ExpireArgs {
    /// The client
    client_id: ClientId,
    /// The secret's id, as `list` shows it
    secret_id: SecretId,
    /// After so long, such as `24h`; now when left out
    #[arg(long = "in", value_name = "DURATION", value_parser = crate::config::parse_seconds)]
    after: Option<i64>,
    /// So long after its last use, such as `24h`, or `never` to take that back
    #[arg(long, value_name = "DURATION", conflicts_with = "after", value_parser = parse_unused_for)]
    unused_for: Option<UnusedOrNever>,
}

#[derive(Args)]
pub(in crate::cli) struct DeleteArgs {
    /// The client
    client_id: ClientId,
    /// The secret's id, as `list` shows it
    secret_id: SecretId,
}

#[derive(Clone, Copy)]
struct UnusedOrNever(Option<IdleExpiry>);

/// How a secret is to be.
#[derive(Args)]
pub(in crate::cli) struct NewSecretArgs {
    /// End the secret after so long, such as `90d`
    #[arg(long, value_name = "DURATION", value_parser = crate::config::parse_seconds)]
    expires_in: Option<i64>,
    /// Read a secret of your own, of at least `MIN_SECRET_LENGTH` characters, from stdin instead of making one
    #[arg(long)]
    secret_stdin: bool,
}

/// What is printed when a secret was made.
#[derive(Serialize)]
struct Added<'a> {
    client_id: &'a ClientId,
    #[serde(flatten)]
    added: &'a AddedSecret,
}

pub(in crate::cli) async fn run(app: &App, command: SecretCommand) -> anyhow::Result<()> {
    match command {
        SecretCommand::Add(args) => {
            let added = app
                .secrets
                .add(&origin(), &args.client_id, args.secret.read(app)?)
                .await?;
            print_added(&args.client_id, &added, args.output)
        }
        SecretCommand::List(args) => {
            let record = app.clients.find(&args.client_id).await?;
            let uses = app.usage.find_of_client(&args.client_id).await?;
            let secrets = ListedSecret::list(&record, &uses, Some(app.clock().now()));
            args.output.print(&secrets, || view::table(&secrets))
        }
        SecretCommand::Expire(args) => expire(app, args).await,
        SecretCommand::Delete(args) => {
            app.secrets
                .delete(&origin(), &args.client_id, &args.secret_id)
                .await?;
            Output::remark(&format!("removed the secret {}", args.secret_id));
            Ok(())
        }
    }
}

async fn expire(app: &App, args: ExpireArgs) -> anyhow::Result<()> {
    let (id, secret_id) = (&args.client_id, &args.secret_id);
    if let Some(UnusedOrNever(unused_for)) = args.unused_for {
        app.secrets
            .set_idle_expiry(&origin(), id, secret_id, unused_for)
            .await?;
        Output::remark(&match unused_for {
            Some(span) => format!("the secret {secret_id} ends {span} after its last use"),
            None => format!("the secret {secret_id} does not end for want of use"),
        });
        return Ok(());
    }
    let expires_at = app.clock().now().plus(args.after.unwrap_or(0));
    app.secrets
        .expire(&origin(), id, secret_id, expires_at)
        .await?;
    Output::remark(&format!("the secret {secret_id} ends at {expires_at}"));
    Ok(())
}

fn parse_unused_for(text: &str) -> Result<UnusedOrNever, String> {
    if text == "never" {
        return Ok(UnusedOrNever(None));
    }
    let seconds = crate::config::parse_seconds(text)?;
    let span = IdleExpiry::from_seconds(seconds).map_err(|error| error.to_string())?;
    Ok(UnusedOrNever(Some(span)))
}

pub(in crate::cli) fn print_added(
    client_id: &ClientId,
    added: &AddedSecret,
    output: Output,
) -> anyhow::Result<()> {
    output
        .print_once(&Added { client_id, added }, || {
            output::list(&[
                ("client_id", client_id.to_string()),
                ("client_secret", added.plain.expose().clone()),
                ("secret_id", added.secret.secret_id.to_string()),
                ("expires_at", view::expiry(added.secret.expires_at)),
            ])
        })
        .with_context(|| {
            let id = &added.secret.secret_id;
            format!("nobody could read the secret {id} of `{client_id}`; end it and add another")
        })?;
    Output::remark("keep the client_secret now: it is not stored and cannot be shown again");
    Ok(())
}

impl NewSecretArgs {
    pub(in crate::cli) fn read(self, app: &App) -> anyhow::Result<NewSecret> {
        let (chosen, expires_at) = self.read_parts(app)?;
        Ok(app.secrets.new_secret(chosen, expires_at)?)
    }

    /// The first secret of a client to be registered, if one of its methods takes a secret.
    pub(in crate::cli) fn read_first(
        self,
        app: &App,
        new: &NewClient,
    ) -> anyhow::Result<Option<NewSecret>> {
        // Before anybody types a secret.
        let is_said = self.secret_stdin || self.expires_in.is_some();
        let checked = new.authentication.check_secrets(usize::from(is_said));
        checked.map_err(Error::from)?;
        let (chosen, expires_at) = self.read_parts(app)?;
        Ok(app.clients.first_secret(new, chosen, expires_at)?)
    }

    fn read_parts(self, app: &App) -> anyhow::Result<(Option<Secret<String>>, Option<UnixTime>)> {
        let chosen = self.secret_stdin.then(read_chosen).transpose()?;
        let end = self.expires_in;
        Ok((chosen, end.map(|seconds| app.clock().now().plus(seconds))))
    }
}

fn read_chosen() -> anyhow::Result<Secret<String>> {
    if std::io::stdin().is_terminal() {
        Output::remark("type the secret, Enter and Ctrl-D");
    }
    let mut text = String::new();
    std::io::stdin()
        .take(4_096)
        .read_to_string(&mut text)
        .context("cannot read stdin")?;
    Ok(Secret::from(text.trim_end_matches(['\r', '\n'])))
}
