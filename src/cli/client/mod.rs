//! `client`: registering clients and changing them.

pub(in crate::cli) mod apply;
pub(in crate::cli) mod authentication_args;
pub(in crate::cli) mod export;
pub(in crate::cli) mod import;
pub(in crate::cli) mod secret;
pub(in crate::cli) mod sender_constraint_args;
pub(in crate::cli) mod view;

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::{self, Output};
use crate::cli::client::authentication_args::AuthenticationArgs;
use crate::cli::client::secret::NewSecretArgs;
use crate::cli::client::sender_constraint_args::SenderConstraintArgs;
use crate::cli::client::view::{LastUsed, ListedClient, ShownClient};
use crate::cli::open;
use crate::cli::open::origin;

use crate::app::error::{Error, Result};
use crate::app::{App, ClientFilter, ClientsList, ClientsOrder, ClientsPart, NewClient};
use crate::domain::{
    AllowedNetworks, Audience, Client, ClientChanges, ClientId, ClientRecord, ClientStatus,
    ClientUses, Description, ExpectedVersion, Metadata, Name, Scope, TokenQuota, TokenTtl,
};

#[derive(Subcommand)]
pub(super) enum ClientCommand {
    /// Register a client and print its secret, once
    Create(CreateArgs),
    /// List clients
    List(ListArgs),
    /// Show a client, its secrets' dates and when they were last used
    Show(OneClient),
    /// Change a client; what is not named stays as it is
    Update(UpdateArgs),
    /// Let a client have tokens again
    Enable(OneClient),
    /// Let a client have no more tokens and revoke those it has; its record and secrets stay
    Disable(OneClient),
    /// Let no file keep a client any more, so that it can be changed by hand
    Release(OneClient),
    /// Remove a client and its secrets, and revoke its tokens
    Delete(DeleteArgs),
    /// Revoke all tokens that a client was issued before now; it may have new ones
    RevokeTokens(OneClient),
    /// Add secrets to a client and end them
    #[command(subcommand)]
    Secret(secret::SecretCommand),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Apply(apply::ApplyArgs),
}

#[derive(Args)]
pub(super) struct OneClient {
    /// The client
    client_id: ClientId,
    #[command(flatten)]
    output: Output,
}

/// What can be said of a client, when it is made and later.
#[derive(Args)]
struct ClientFields {
    /// What people call it
    #[arg(long)]
    name: Option<Name>,
    /// What it is for, whom to ask
    #[arg(long)]
    description: Option<Description>,
    /// A scope it may ask for; several separated by spaces, or by repeating the option
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Option<Vec<Scope>>,
    /// Whom its tokens may be for, the first by default; may be repeated
    #[arg(long = "audience", value_name = "AUDIENCE")]
    audiences: Option<Vec<String>>,
    /// What every token of it says: a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<Metadata>,
    /// How long its tokens live: `15m`, `1h`, or `default` for the server's `TOKEN_TTL`
    #[arg(long, value_name = "DURATION", value_parser = parse_ttl)]
    token_ttl: Option<DefaultOr<TokenTtl>>,
    /// How many tokens it may have in an hour, or `none` for any number
    #[arg(long, value_name = "TOKENS", value_parser = parse_quota)]
    token_quota: Option<DefaultOr<TokenQuota>>,
    /// A network that it may log in from, such as `10.0.0.0/8`, `2001:db8::/32` or an address; may be repeated. Those that
    /// are not named any more go
    #[arg(long = "allowed-network", value_name = "CIDR")]
    allowed_networks: Option<Vec<String>>,
    /// It may log in from anywhere
    #[arg(long, conflicts_with = "allowed_networks")]
    any_network: bool,
    #[command(flatten)]
    authentication: AuthenticationArgs,
    #[command(flatten)]
    sender_constraint: SenderConstraintArgs,
}

#[derive(Clone, Copy)]
struct DefaultOr<T>(Option<T>);

#[derive(Args)]
pub(super) struct CreateArgs {
    /// What it logs in with; made up when left out
    client_id: Option<ClientId>,
    #[command(flatten)]
    fields: ClientFields,
    #[command(flatten)]
    secret: NewSecretArgs,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only those whose id begins so, in the order `client_id`
    #[arg(long)]
    prefix: Option<String>,
    /// Only those whose name begins so, in capitals or not (among the first 1000 of such names), in the order `client_id`
    #[arg(long)]
    name_prefix: Option<String>,
    /// Only those of this status
    #[arg(long, value_parser = ClientStatus::parse)]
    status: Option<ClientStatus>,
    /// Only those that may ask for this scope, in the order `client_id`
    #[arg(long, value_parser = Scope::parse_one)]
    scope: Option<Scope>,
    /// In which order: `client_id`, `newest` or `oldest`
    #[arg(long, default_value = "client_id")]
    order: ClientsOrder,
    /// Only those after this place, as the page before told it
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct UpdateArgs {
    /// The client
    client_id: ClientId,
    #[command(flatten)]
    fields: ClientFields,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct DeleteArgs {
    /// The client
    client_id: ClientId,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct PrintedList<'a> {
    clients: Vec<ListedClient<'a>>,
    /// For the next page's `--after`.
    after: Option<&'a str>,
}

pub(super) async fn run(command: ClientCommand) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    match command {
        ClientCommand::Create(args) => create(&app, args).await?,
        ClientCommand::List(args) => list(&app, args).await?,
        ClientCommand::Show(args) => show(&app, &args.client_id, args.output).await?,
        ClientCommand::Update(args) => {
            let changes = args.fields.changes()?;
            if changes.are_empty() {
                return Err(Error::invalid_request("say what to change; see --help").into());
            }
            app.clients
                .update(&origin(), &args.client_id, &ExpectedVersion::Any, changes)
                .await?;
            show(&app, &args.client_id, args.output).await?;
        }
        ClientCommand::Enable(args) => set_status(&app, args, ClientStatus::Enabled).await?,
        ClientCommand::Disable(args) => set_status(&app, args, ClientStatus::Disabled).await?,
        ClientCommand::Release(args) => {
            app.clients.detach(&origin(), &args.client_id).await?;
            show(&app, &args.client_id, args.output).await?;
        }
        ClientCommand::Delete(args) => delete(&app, args).await?,
        ClientCommand::RevokeTokens(args) => {
            app.tokens.revoke_client(&origin(), &args.client_id).await?;
            show(&app, &args.client_id, args.output).await?;
        }
        ClientCommand::Secret(command) => secret::run(&app, command).await?,
        ClientCommand::Import(args) => return import::run(&app, args).await,
        ClientCommand::Export(args) => return export::run(&app, args).await,
        ClientCommand::Apply(args) => return apply::run(&app, args).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(app: &App, args: CreateArgs) -> anyhow::Result<()> {
    let changes = args.fields.changes()?;
    let new = NewClient::new(args.client_id, changes);
    let secret = if new.authentication.allow_secrets() {
        Some(args.secret.read(app)?)
    } else {
        args.secret.refuse()?;
        None
    };
    let (client, added) = app.clients.register(&origin(), new, secret).await?;
    let Some(added) = added else {
        let secrets = Vec::new();
        let record = ClientRecord { client, secrets };
        return print_client(app, &record, &ClientUses::default(), args.output);
    };
    secret::print_added(&client.client_id, &added, args.output)
}

async fn list(app: &App, args: ListArgs) -> anyhow::Result<()> {
    let part = ClientsPart {
        filter: ClientFilter {
            prefix: args.prefix,
            name_prefix: args.name_prefix,
            status: args.status,
            scope: args.scope,
        },
        order: args.order,
        after: args
            .after
            .map(|place| args.order.parse_place(&place))
            .transpose()
            .map_err(Error::from)?,
        limit: args.limit,
    };
    let ClientsList { clients, after } = app.clients.list(&part).await?;
    let ids: Vec<&ClientId> = clients.iter().map(|client| &client.client_id).collect();
    let uses = app.usage.list_last_used(&ids).await?;
    let listed = clients.iter().map(|client| ListedClient {
        client,
        last: LastUsed::from(uses.get(&client.client_id)),
    });
    let page = PrintedList {
        clients: listed.collect(),
        after: after.as_deref(),
    };
    args.output.print(&page, || {
        output::table(
            &[
                "client_id",
                "name",
                "status",
                "scopes",
                "bound_to",
                "created_at",
            ],
            clients.iter().map(|client| {
                vec![
                    client.client_id.to_string(),
                    client.name.to_string(),
                    client.status.as_str().to_owned(),
                    client.scopes.to_string(),
                    sender_constraint_args::words(client.sender_constraint),
                    client.created_at.to_string(),
                ]
            }),
        )
    })?;
    if let Some(after) = after {
        Output::remark(&format!("there are more: --after {after}"));
    } else if clients.is_empty() {
        Output::remark("no such clients; `token-server client create` registers one");
    }
    Ok(())
}

async fn set_status(app: &App, args: OneClient, status: ClientStatus) -> anyhow::Result<()> {
    app.clients
        .set_status(&origin(), &args.client_id, status)
        .await?;
    show(app, &args.client_id, args.output).await
}

async fn show(app: &App, id: &ClientId, output: Output) -> anyhow::Result<()> {
    let record = app.clients.find(id).await?;
    print_client(app, &record, &app.usage.find_of_client(id).await?, output)
}

async fn delete(app: &App, args: DeleteArgs) -> anyhow::Result<()> {
    let id = &args.client_id;
    app.clients.find(id).await?;
    if !args.yes {
        let why = format!("deleting `{id}` cannot be undone");
        let question = format!("Deleting `{id}` cannot be undone. Type its id to go on: ");
        if Output::ask(&why, &question)? != id.as_str() {
            bail!("not deleted");
        }
    }
    app.clients
        .delete(&origin(), id, &ExpectedVersion::Any)
        .await?;
    Output::remark(&format!("deleted `{id}`"));
    Ok(())
}

fn print_client(
    app: &App,
    record: &ClientRecord,
    uses: &ClientUses,
    output: Output,
) -> anyhow::Result<()> {
    let shown = ShownClient::new(record, uses, app.clock().now());
    output.print(&shown, || {
        let client = &record.client;
        let ttl = client.token_ttl.map_or_else(
            || "the server's TOKEN_TTL".to_owned(),
            |ttl| format!("{} s", ttl.seconds()),
        );
        let quota = client
            .token_quota
            .map_or_else(|| "none".to_owned(), |quota| format!("{quota} in an hour"));
        let [methods, keys, subject] = authentication_args::lines(&client.authentication);
        let [certificate_bound, dpop_bound] =
            sender_constraint_args::lines(client.sender_constraint);
        let fields = output::list(&[
            ("client_id", client.client_id.to_string()),
            ("name", client.name.to_string()),
            ("description", client.description.to_string()),
            ("status", client.status.as_str().to_owned()),
            ("scopes", client.scopes.to_string()),
            ("audiences", Audience::join(&client.audiences)),
            ("metadata", client.metadata.to_string()),
            ("token_ttl", ttl),
            ("token_quota", quota),
            ("allowed_networks", networks(client)),
            methods,
            keys,
            subject,
            certificate_bound,
            dpop_bound,
            ("managed_by", managed_by(client)),
            ("created_at", client.created_at.to_string()),
            ("updated_at", client.updated_at.to_string()),
            ("last_used", shown.last_used()),
        ]);
        format!("{fields}\n\n{}", shown.secrets_table())
    })
}

impl ClientFields {
    fn changes(self) -> Result<ClientChanges> {
        Ok(ClientChanges {
            name: self.name,
            description: self.description,
            scopes: self
                .scopes
                .map(|list| Scope::parse(&join(&list)))
                .transpose()?,
            audiences: self
                .audiences
                .map(|list| Audience::parse_list(&list.join(" ")))
                .transpose()?,
            metadata: self.metadata,
            token_ttl: self.token_ttl.map(|DefaultOr(ttl)| ttl),
            token_quota: self.token_quota.map(|DefaultOr(quota)| quota),
            allowed_networks: match self.allowed_networks {
                Some(list) => Some(AllowedNetworks::from_list(list)?),
                None => self.any_network.then(AllowedNetworks::default),
            },
            authentication: self.authentication.changes()?,
            sender_constraint: self.sender_constraint.changes(),
        })
    }
}

fn networks(client: &Client) -> String {
    let networks = &client.allowed_networks;
    if networks.is_empty() {
        return "any".to_owned();
    }
    networks.to_string()
}

fn managed_by(client: &Client) -> String {
    client
        .managed_by
        .as_ref()
        .map_or_else(String::new, ToString::to_string)
}

fn join(scopes: &[Scope]) -> String {
    let words: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
    words.join(" ")
}

fn parse_ttl(text: &str) -> Result<DefaultOr<TokenTtl>, String> {
    if text == "default" {
        return Ok(DefaultOr(None));
    }
    let seconds = crate::config::parse_seconds(text)?;
    let ttl = TokenTtl::from_seconds(seconds).map_err(|error| error.to_string())?;
    Ok(DefaultOr(Some(ttl)))
}

fn parse_quota(text: &str) -> Result<DefaultOr<TokenQuota>, String> {
    if text == "none" {
        return Ok(DefaultOr(None));
    }
    // A number that is too long is no quota either.
    let quota = TokenQuota::from_count(text.parse().unwrap_or_default());
    let quota = quota.map_err(|error| error.to_string())?;
    Ok(DefaultOr(Some(quota)))
}
