//! `client secret`: adding secrets to a client and ending them.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::client::NewSecretArgs;
use super::output::{self, Output};
use crate::app::{AddedSecret, App};
use crate::domain::{ClientId, ClientSecret, SecretId};

#[derive(Subcommand)]
pub(super) enum SecretCommand {
    /// Add a secret and print it, once; the others stay good
    Add(AddArgs),
    /// List a client's secrets: their dates, never the secrets
    List(ListArgs),
    /// End a secret, now or later
    Expire(ExpireArgs),
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// The client
    client_id: ClientId,
    #[command(flatten)]
    secret: NewSecretArgs,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// The client
    client_id: ClientId,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct ExpireArgs {
    /// The client
    client_id: ClientId,
    /// The secret's id, as `list` shows it
    secret_id: SecretId,
    /// After so long, such as `24h`; now when left out
    #[arg(long = "in", value_name = "DURATION", value_parser = crate::config::parse_seconds)]
    after: Option<i64>,
}

/// What is printed when a secret was made.
#[derive(Serialize)]
struct Added<'a> {
    client_id: &'a ClientId,
    client_secret: &'a str,
    #[serde(flatten)]
    secret: &'a ClientSecret,
}

pub(super) async fn run(app: &App, command: SecretCommand) -> anyhow::Result<()> {
    match command {
        SecretCommand::Add(args) => {
            let added = app
                .add_secret(&args.client_id, args.secret.read(app)?)
                .await?;
            print_added(&args.client_id, &added, args.output)
        }
        SecretCommand::List(args) => {
            let secrets = app.find_client(&args.client_id).await?.secrets;
            args.output.print(&secrets, || table(&secrets))
        }
        SecretCommand::Expire(args) => {
            let expires_at = app.clock().now().plus(args.after.unwrap_or(0));
            app.expire_secret(&args.client_id, &args.secret_id, expires_at)
                .await?;
            Output::remark(&format!(
                "the secret {} ends at {expires_at}",
                args.secret_id
            ));
            Ok(())
        }
    }
}

pub(super) fn print_added(
    client_id: &ClientId,
    added: &AddedSecret,
    output: Output,
) -> anyhow::Result<()> {
    let client_secret = added.plain.expose();
    let value = Added {
        client_id,
        client_secret,
        secret: &added.secret,
    };
    output.print(&value, || {
        output::list(&[
            ("client_id", client_id.to_string()),
            ("client_secret", client_secret.clone()),
            ("secret_id", added.secret.secret_id.to_string()),
            ("expires_at", expiry(&added.secret)),
        ])
    })?;
    Output::remark("keep the client_secret now: it is not stored and cannot be shown again");
    Ok(())
}

pub(super) fn table(secrets: &[ClientSecret]) -> String {
    output::table(
        &["secret_id", "hint", "origin", "created_at", "expires_at"],
        secrets.iter().map(|secret| {
            vec![
                secret.secret_id.to_string(),
                if secret.hint.is_empty() {
                    String::new()
                } else {
                    format!("…{}", secret.hint)
                },
                secret.origin.as_str().to_owned(),
                secret.created_at.to_string(),
                expiry(secret),
            ]
        }),
    )
}

fn expiry(secret: &ClientSecret) -> String {
    secret
        .expires_at
        .map_or_else(|| "never".to_owned(), |at| at.to_string())
}
