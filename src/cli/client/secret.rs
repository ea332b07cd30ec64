//! `client secret`: adding secrets to a client and ending them.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::app::error::Error;
use crate::app::{AddedSecret, App, ListedSecret, NewClient, NewSecret};
use crate::base::clock::UnixTime;
use crate::base::secret::Secret;
use crate::cli::client::{OneClient, view};
use crate::cli::database::open::origin;
use crate::cli::output::confirmation::Confirmation;
use crate::cli::output::{self, Output, OutputWithoutId, stdin, text_or};
use crate::domain::{ClientId, IdleExpiry, SecretId};

#[derive(Subcommand)]
pub(in crate::cli) enum SecretCommand {
    /// Add a secret and print it, once; the other secrets stay valid
    #[command(aliases = ["create", "new"])]
    Add {
        /// The client
        client_id: ClientId,
        #[command(flatten)]
        secret: NewSecretArgs,
        #[command(flatten)]
        output: OutputWithoutId,
    },
    /// Rotate the secret: add one, print it once, and let the others expire later
    Rotate(RotateArgs),
    /// List the secrets of a client and when they were last used; never the secrets themselves
    #[command(visible_alias = "ls")]
    List(OneClient),
    /// Expire a secret, now or later
    #[command(alias = "revoke")]
    Expire(ExpireArgs),
    /// Delete a secret: the server refuses it at once
    #[command(visible_alias = "rm", alias = "remove")]
    Delete {
        /// The client
        client_id: ClientId,
        /// The secret's ID, as `list` shows it
        secret_id: SecretId,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

#[derive(Args)]
pub(in crate::cli) struct RotateArgs {
    /// The client
    client_id: ClientId,
    /// How long the old secrets stay valid; an earlier expiry stays
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = crate::config::parse_seconds)]
    old_expires_in: i64,
    #[command(flatten)]
    secret: NewSecretArgs,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(in crate::cli) struct ExpireArgs {
    /// The client
    client_id: ClientId,
    /// The secret's ID, as `list` shows it
    secret_id: SecretId,
    /// After this time, such as `24h`; by default now
    #[arg(long = "in", value_name = "DURATION", value_parser = crate::config::parse_seconds)]
    after: Option<i64>,
    /// After this time without use, such as `24h` (idle expiry); `never` removes the idle expiry
    #[arg(long, value_name = "DURATION", conflicts_with = "after", value_parser = parse_unused_for)]
    unused_for: Option<UnusedOrNever>,
    #[command(flatten)]
    confirmation: Confirmation,
}

#[derive(Clone, Copy)]
struct UnusedOrNever(Option<IdleExpiry>);

/// The new secret.
#[derive(Args)]
pub(in crate::cli) struct NewSecretArgs {
    /// Let the new secret expire after this time, such as `90d`
    #[arg(long, value_name = "DURATION", value_parser = crate::config::parse_seconds)]
    expires_in: Option<i64>,
    /// Read a chosen secret of at least `MIN_SECRET_LENGTH` characters from stdin, instead of generating one
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
        SecretCommand::Add {
            client_id,
            secret,
            output,
        } => {
            let new = secret.read(app)?;
            let added = app.secrets.add(&origin(), &client_id, new).await?;
            print_added(&client_id, &added, output)
        }
        SecretCommand::Rotate(args) => rotate(app, args).await,
        SecretCommand::List(args) => {
            let record = app.clients.find(&args.client_id).await?;
            let uses = app.usage.find_of_client(&args.client_id).await?;
            let secrets = ListedSecret::list(&record, &uses, Some(app.clock().now()));
            args.output
                .print(&secrets, "secret_id", || view::table(&secrets))
        }
        SecretCommand::Expire(args) => expire(app, args).await,
        SecretCommand::Delete {
            client_id,
            secret_id,
            confirmation,
        } => {
            ask_if_used(app, &client_id, &secret_id, confirmation, "Delete it?").await?;
            app.secrets
                .delete(&origin(), &client_id, &secret_id)
                .await?;
            Output::remark(&format!("deleted the secret {secret_id}"));
            Ok(())
        }
    }
}

/// The new secret is printed before an old one is touched: when nobody could read it, the old ones are all there is.
async fn rotate(app: &App, args: RotateArgs) -> anyhow::Result<()> {
    let id = &args.client_id;
    let old = app.clients.find(id).await?.secrets;
    let new = args.secret.read(app)?;
    let added = app.secrets.add(&origin(), id, new).await?;
    print_added(id, &added, args.output)?;
    let end = app.clock().now().plus(args.old_expires_in);
    for secret in old {
        let secret_id = &secret.secret_id;
        if secret
            .expires_at
            .is_some_and(|expires_at| expires_at <= end)
        {
            continue;
        }
        let expired = app.secrets.expire(&origin(), id, secret_id, end).await;
        expired.with_context(|| {
            format!("the new secret is valid, but the old secret {secret_id} does not expire: run `client secret expire`")
        })?;
        Output::remark(&format!("the old secret {secret_id} expires at {end}"));
    }
    Ok(())
}

/// Asks before a secret goes that somebody may still use, and says when and how often it was used.
async fn ask_if_used(
    app: &App,
    id: &ClientId,
    secret_id: &SecretId,
    confirmation: Confirmation,
    question: &str,
) -> anyhow::Result<()> {
    let record = app.clients.find(id).await?;
    let uses = app.usage.find_of_client(id).await?;
    let secrets = ListedSecret::list(&record, &uses, Some(app.clock().now()));
    let found = secrets.iter().find(|it| it.secret_id == secret_id);
    match found.and_then(|it| it.advice.as_ref()) {
        Some(advice) if !advice.is_safe => {
            let sentence = advice.sentence.trim_end_matches('.');
            confirmation.ask(
                &format!("secret {secret_id} of `{id}`: {sentence}"),
                question,
            )
        }
        Some(_) | None => Ok(()),
    }
}

async fn expire(app: &App, args: ExpireArgs) -> anyhow::Result<()> {
    let (id, secret_id) = (&args.client_id, &args.secret_id);
    if let Some(UnusedOrNever(unused_for)) = args.unused_for {
        app.secrets
            .set_idle_expiry(&origin(), id, secret_id, unused_for)
            .await?;
        Output::remark(&match unused_for {
            Some(span) => format!("the secret {secret_id} expires {span} after its last use"),
            None => format!("the secret {secret_id} has no idle expiry"),
        });
        return Ok(());
    }
    if args.after.is_none() {
        ask_if_used(app, id, secret_id, args.confirmation, "Expire it now?").await?;
    }
    let expires_at = app.clock().now().plus(args.after.unwrap_or(0));
    app.secrets
        .expire(&origin(), id, secret_id, expires_at)
        .await?;
    Output::remark(&format!("the secret {secret_id} expires at {expires_at}"));
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
    output: OutputWithoutId,
) -> anyhow::Result<()> {
    output
        .print_once(&Added { client_id, added }, || {
            output::list(&[
                ("client_id", client_id.to_string()),
                ("client_secret", added.plain.expose().clone()),
                ("secret_id", added.secret.secret_id.to_string()),
                ("expires_at", text_or(added.secret.expires_at, "never")),
            ])
        })
        .with_context(|| {
            let id = &added.secret.secret_id;
            format!(
                "the secret {id} of `{client_id}` could not be shown; delete it and add another one"
            )
        })?;
    Output::remark("store the client_secret now: it cannot be shown again");
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
        let chosen = self
            .secret_stdin
            .then(|| stdin::read_secret("type the secret, Enter and Ctrl-D"));
        let chosen = chosen.transpose()?;
        let end = self.expires_in;
        Ok((chosen, end.map(|seconds| app.clock().now().plus(seconds))))
    }
}
