//! `client identity`: how platforms name a client.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::app::error::Error;
use crate::app::{App, ListedIdentity};
use crate::cli::database::open::origin;
use crate::cli::output::confirmation::Confirmation;
use crate::cli::output::{self, OutputWithoutId};
use crate::domain::{
    Client, ClientId, ClientIdentity, ClientUses, Identities, IssuerName, JsonPointer, Subject,
};

#[derive(Subcommand)]
pub(in crate::cli) enum IdentityCommand {
    /// Add an identity: the client logs in with tokens of the issuer that have this subject, these claims, or both
    #[command(aliases = ["create", "new"])]
    Add(AddArgs),
    /// List the identities of a client with their numbers, and when each was last used
    #[command(visible_alias = "ls")]
    List {
        /// The client
        client_id: ClientId,
        #[command(flatten)]
        output: OutputWithoutId,
    },
    /// Remove an identity
    #[command(visible_alias = "rm", alias = "delete")]
    Remove(RemoveArgs),
}

#[derive(Args)]
pub(in crate::cli) struct AddArgs {
    /// The client
    client_id: ClientId,
    /// The trusted issuer, by its name
    #[arg(long)]
    issuer: IssuerName,
    /// The exact `sub`; for a SPIFFE ID also all paths below a segment: `spiffe://acme.example/ns/prod/*`
    #[arg(long, required_unless_present = "claims")]
    subject: Option<Subject>,
    /// A claim and its exact value: `/repository_id=74`; may be repeated, and then all are required
    #[arg(long = "claim", value_name = "POINTER=VALUE", value_parser = ClientIdentity::parse_claim)]
    claims: Vec<(JsonPointer, String)>,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(in crate::cli) struct RemoveArgs {
    /// The client
    client_id: ClientId,
    /// The number of the identity, as `list` shows it
    number: usize,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Serialize)]
struct PrintedList<'a> {
    identities: &'a Identities,
    usage: Vec<ListedIdentity<'a>>,
}

pub(in crate::cli) async fn run(app: &App, command: IdentityCommand) -> anyhow::Result<()> {
    match command {
        IdentityCommand::Add(args) => {
            let identity =
                ClientIdentity::new(args.issuer, args.subject, args.claims).map_err(Error::from)?;
            let (by, id) = (&origin(), &args.client_id);
            let client = app.clients.add_identity(by, id, identity).await?;
            print(app, &client, args.output).await
        }
        IdentityCommand::List { client_id, output } => {
            let record = app.clients.find(&client_id).await?;
            print(app, &record.client, output).await
        }
        IdentityCommand::Remove(args) => {
            let identity = confirmed(app, &args).await?;
            let (by, id) = (&origin(), &args.client_id);
            let client = app.clients.remove_identity(by, id, &identity).await?;
            print(app, &client, args.output).await
        }
    }
}

/// The identity with the number, after a question. It is the one to remove even if the numbers change meanwhile.
async fn confirmed(app: &App, args: &RemoveArgs) -> anyhow::Result<ClientIdentity> {
    let client = app.clients.find(&args.client_id).await?.client;
    let uses = app.usage.find_of_client(&args.client_id).await?;
    let listed = ListedIdentity::list(&client.authentication.identities, &uses);
    let number = format!("identity {} of `{}`", args.number, args.client_id);
    let Some(listed) = args.number.checked_sub(1).and_then(|at| listed.get(at)) else {
        return Err(Error::not_found(number).into());
    };
    let (identity, last_use) = (listed.identity, listed.last_use());
    let what =
        format!("{number} ({identity}), last used: {last_use}; logins with it fail from now on");
    args.confirmation.ask(&what, "Remove it?")?;
    Ok(identity.clone())
}

async fn print(app: &App, client: &Client, output: OutputWithoutId) -> anyhow::Result<()> {
    let identities = &client.authentication.identities;
    let uses = app.usage.find_of_client(&client.client_id).await?;
    let list = PrintedList {
        identities,
        usage: ListedIdentity::list(identities, &uses),
    };
    output.print(&list, || table(identities, &uses))
}

/// The identities of a client with their numbers, for people.
pub(in crate::cli) fn table(identities: &Identities, uses: &ClientUses) -> String {
    let listed = ListedIdentity::list(identities, uses);
    let numbered: Vec<(usize, ListedIdentity<'_>)> = (1..).zip(listed).collect();
    output::table(
        &numbered,
        &[
            ("number", |(number, _)| number.to_string()),
            ("issuer", |(_, it)| it.identity.issuer().to_string()),
            ("subject", |(_, it)| {
                let subject = it.identity.subject();
                subject.map_or("", Subject::as_str).to_owned()
            }),
            ("claims", |(_, it)| claims(it.identity)),
            ("last_used", |(_, it)| it.last_use()),
        ],
    )
}

fn claims(identity: &ClientIdentity) -> String {
    let words: Vec<String> = identity
        .claims()
        .map(|(pointer, value)| format!("{pointer}={value}"))
        .collect();
    words.join(" ")
}
