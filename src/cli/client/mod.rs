//! `client`: registering clients and changing them.

pub(in crate::cli) mod apply;
pub(in crate::cli) mod export;
pub(in crate::cli) mod fields;
pub(in crate::cli) mod identity;
pub(in crate::cli) mod import;
pub(in crate::cli) mod preset;
pub(in crate::cli) mod secret;
pub(in crate::cli) mod view;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::confirmation::Confirmation;
use super::output::{self, Output, OutputWithoutId};
use crate::cli::client::fields::ClientFields;
use crate::cli::client::preset::PresetArgs;
use crate::cli::client::secret::NewSecretArgs;
use crate::cli::client::view::{LastUsedLine, ListedClient, ShownClient};
use crate::cli::database::open;
use crate::cli::database::open::origin;

use crate::app::error::Error;
use crate::app::{App, ClientFilter, ClientOrder, ClientQuery, ClientsList, NewClient};
use crate::domain::{
    ClientId, ClientRecord, ClientStatus, ClientUses, ExpectedVersion, LastUsed, Scope,
};

/// The exit code when a file has mistakes, so that nothing of it was done.
pub(in crate::cli) const MISTAKEN_FILE: u8 = 6;

/// Says what is wrong with a file as a whole.
pub(in crate::cli) fn refuse_file(error: &anyhow::Error) -> ExitCode {
    Output::remark(&format!("error: {}", output::chain(error)));
    ExitCode::from(MISTAKEN_FILE)
}

#[derive(Subcommand)]
pub(super) enum ClientCommand {
    /// Create a client and print its secret, once
    #[command(aliases = ["add", "new", "register"])]
    Create(Box<CreateArgs>),
    /// List clients
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show a client, its secrets and when they were last used
    #[command(visible_alias = "get", alias = "describe")]
    Show(OneClient),
    /// Change a client; only the given options change
    #[command(aliases = ["edit", "set"])]
    Update(Box<UpdateArgs>),
    /// Enable a disabled client
    Enable(OneClient),
    /// Disable a client and revoke its tokens; it gets no new ones, and keeps its secrets
    Disable(DangerousArgs),
    /// Detach a client from the manifest that manages it
    Detach(OneClient),
    /// The name of `detach` in 0.1.0
    #[command(hide = true)]
    Release(OneClient),
    /// Delete a client with its secrets, and revoke its tokens
    #[command(visible_alias = "rm", alias = "remove")]
    Delete {
        /// The client
        client_id: ClientId,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Revoke all tokens of a client; it can get new ones
    #[command(alias = "revoke")]
    RevokeTokens(DangerousArgs),
    /// Add, rotate, expire and delete the secrets of a client
    #[command(subcommand, alias = "secrets")]
    Secret(secret::SecretCommand),
    /// Add and remove identities of a client at trusted issuers
    #[command(subcommand, alias = "identities")]
    Identity(identity::IdentityCommand),
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

/// A client that would lose something.
#[derive(Args)]
pub(super) struct DangerousArgs {
    #[command(flatten)]
    client: OneClient,
    #[command(flatten)]
    confirmation: Confirmation,
}

#[derive(Args)]
pub(super) struct CreateArgs {
    /// The client's ID; by default the server generates one
    client_id: Option<ClientId>,
    #[command(flatten)]
    fields: ClientFields,
    #[command(flatten)]
    preset: PresetArgs,
    #[command(flatten)]
    secret: NewSecretArgs,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// The most clients to list
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only clients whose ID, name or scopes contain TEXT, in upper or lower case; in the order `client_id`
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only clients whose ID starts with PREFIX; in the order `client_id`
    #[arg(long)]
    prefix: Option<String>,
    /// Only clients whose name starts with PREFIX, in upper or lower case; in the order `client_id`
    #[arg(long, value_name = "PREFIX")]
    name_prefix: Option<String>,
    /// Only clients with this status
    #[arg(long, value_parser = ClientStatus::parse)]
    status: Option<ClientStatus>,
    /// Only clients that have this scope; in the order `client_id`
    #[arg(long, value_parser = Scope::parse_one)]
    scope: Option<Scope>,
    /// The order: `client_id`, `newest` or `oldest`
    #[arg(long, default_value = "client_id")]
    order: ClientOrder,
    /// Continue after the previous page, at the position that it printed
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

#[derive(Serialize)]
struct PrintedList<'a> {
    clients: Vec<ListedClient<'a>>,
    /// For the next page's `--after`.
    after: Option<&'a str>,
}

pub(super) async fn run(command: ClientCommand) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    match command {
        ClientCommand::Create(args) => create(&app, *args).await?,
        ClientCommand::List(args) => list(&app, args).await?,
        ClientCommand::Show(args) => show(&app, &args.client_id, args.output).await?,
        ClientCommand::Update(args) => {
            let changes = args.fields.changes()?;
            if changes.are_empty() {
                return Err(Error::invalid_request("give at least one change; see --help").into());
            }
            app.clients
                .update(&origin(), &args.client_id, &ExpectedVersion::Any, changes)
                .await?;
            show(&app, &args.client_id, args.output).await?;
        }
        ClientCommand::Enable(args) => set_status(&app, args, ClientStatus::Enabled).await?,
        ClientCommand::Disable(args) => disable(&app, args).await?,
        ClientCommand::Detach(args) => detach(&app, args).await?,
        ClientCommand::Release(args) => {
            Output::remark_renamed("client release", "client detach");
            detach(&app, args).await?;
        }
        ClientCommand::Delete {
            client_id,
            confirmation,
        } => delete(&app, &client_id, confirmation).await?,
        ClientCommand::RevokeTokens(args) => revoke_tokens(&app, args).await?,
        ClientCommand::Secret(command) => secret::run(&app, command).await?,
        ClientCommand::Identity(command) => identity::run(&app, command).await?,
        ClientCommand::Import(args) => return import::run(&app, args).await,
        ClientCommand::Export(args) => return export::run(&app, args).await,
        ClientCommand::Apply(args) => return apply::run(&app, args).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(app: &App, args: CreateArgs) -> anyhow::Result<()> {
    let mut changes = args.fields.changes()?;
    let registering = args.preset.prepare(app, &mut changes).await?;
    let new = NewClient::new(args.client_id, changes);
    let secret = args.secret.read_first(app, &new)?;
    let (client, added) = app.clients.register(&origin(), new, secret).await?;
    let Some(added) = added else {
        if let Some(registering) = registering {
            return registering.print(app, &client, args.output);
        }
        let secrets = Vec::new();
        let record = ClientRecord { client, secrets };
        return print_client(app, &record, &ClientUses::default(), args.output.into());
    };
    secret::print_added(&client.client_id, &added, args.output)
}

async fn list(app: &App, args: ListArgs) -> anyhow::Result<()> {
    let output = args.output;
    let ClientsList { clients, after } = app.clients.list(&args.query()?).await?;
    let ids: Vec<&ClientId> = clients.iter().map(|client| &client.client_id).collect();
    let uses = app.usage.list_last_used(&ids).await?;
    let listed = clients.iter().map(|client| ListedClient {
        client,
        last: LastUsedLine::from(uses.get(&client.client_id)),
    });
    let page = PrintedList {
        clients: listed.collect(),
        after: after.as_deref(),
    };
    output.print(&page, "client_id", || {
        output::table(
            &clients,
            &[
                ("client_id", |client| client.client_id.to_string()),
                ("name", |client| client.name.to_string()),
                ("status", |client| client.status.as_str().to_owned()),
                ("scopes", |client| client.scopes.to_string()),
                ("bound_to", |client| {
                    fields::bound_to(client.sender_constraint)
                }),
                ("created_at", |client| client.created_at.to_string()),
            ],
        )
    })?;
    if let Some(after) = after {
        Output::remark(&format!("more results: --after {after}"));
    } else if clients.is_empty() {
        Output::remark("no clients found; `token-server client create` registers one");
    }
    Ok(())
}

impl ListArgs {
    fn query(self) -> Result<ClientQuery, Error> {
        let after = self.after.map(|place| self.order.parse_place(&place));
        Ok(ClientQuery {
            filter: ClientFilter {
                prefix: self.prefix,
                search: self.search,
                name_prefix: self.name_prefix,
                status: self.status,
                scope: self.scope,
            },
            order: self.order,
            after: after.transpose()?,
            limit: self.limit,
        })
    }
}

async fn set_status(app: &App, args: OneClient, status: ClientStatus) -> anyhow::Result<()> {
    app.clients
        .set_status(&origin(), &args.client_id, status)
        .await?;
    show_changed(app, args).await
}

/// A client that is damaged can be changed in some ways, and not shown.
async fn show_changed(app: &App, args: OneClient) -> anyhow::Result<()> {
    let shown = show(app, &args.client_id, args.output).await;
    shown.context("the change was made, but cannot show the client")
}

async fn show(app: &App, id: &ClientId, output: Output) -> anyhow::Result<()> {
    let record = app.clients.find(id).await?;
    print_client(app, &record, &app.usage.find_of_client(id).await?, output)
}

async fn detach(app: &App, args: OneClient) -> anyhow::Result<()> {
    app.clients.detach(&origin(), &args.client_id).await?;
    show_changed(app, args).await
}

async fn disable(app: &App, args: DangerousArgs) -> anyhow::Result<()> {
    let present = describe_use(app, &args.client.client_id).await?;
    let what = format!("{present}; disabled, it gets no tokens, and its live tokens are revoked");
    args.confirmation.ask(&what, "Disable it?")?;
    set_status(app, args.client, ClientStatus::Disabled).await
}

async fn revoke_tokens(app: &App, args: DangerousArgs) -> anyhow::Result<()> {
    let id = &args.client.client_id;
    let present = describe_use(app, id).await?;
    let what = format!("{present}; all its live tokens are refused from now on");
    args.confirmation.ask(&what, "Revoke them?")?;
    app.tokens.revoke_client(&origin(), id).await?;
    show_changed(app, args.client).await
}

/// What a client does at present, for the operator who is about to stop it. The client may be damaged.
async fn describe_use(app: &App, id: &ClientId) -> anyhow::Result<String> {
    app.clients.require(id).await?;
    let uses = app.usage.find_of_client(id).await?;
    let hours = app.usage.list_client_hours(id, 24).await?;
    let issued: u64 = hours.iter().map(|hour| hour.counts.issued).sum();
    Ok(match uses.last {
        Some(LastUsed { used_at, source }) => format!(
            "client `{id}` was last used at {used_at} from {source}, and was issued {issued} token(s) in the last 24 hours"
        ),
        None => format!("client `{id}` was never used"),
    })
}

async fn delete(app: &App, id: &ClientId, confirmation: Confirmation) -> anyhow::Result<()> {
    let present = describe_use(app, id).await?;
    let what = format!("{present}; deleting it cannot be undone");
    confirmation.ask_to_type(&what, id.as_str())?;
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
    output.print(&shown, "client_id", || {
        let mut lines = fields::lines(&record.client);
        lines.push(("last_used".to_owned(), shown.last_used()));
        let beside = shown.secrets_beside_identity();
        lines.extend(beside.map(|it| ("secrets_beside_identity".to_owned(), it)));
        let fields = output::list(&lines);
        let mut parts = vec![fields, view::table(&shown.secrets)];
        let identities = &record.client.authentication.identities;
        if !identities.is_empty() {
            parts.push(identity::table(identities, uses));
        }
        parts.join("\n\n")
    })
}
