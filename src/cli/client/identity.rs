//! `client identity`: how platforms name a client.

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Map;

use crate::app::App;
use crate::app::error::Error;
use crate::cli::open::origin;
use crate::cli::output;
use crate::cli::output::Output;
use crate::domain::{
    Client, ClientChanges, ClientId, ClientIdentity, ClientVersion, ExpectedVersion, Identities,
    IssuerName, JsonPointer, Subject,
};

#[derive(Subcommand)]
pub(in crate::cli) enum IdentityCommand {
    /// Let tokens of a trusted issuer with this subject, with these claims, or with both be the client
    Add(AddArgs),
    /// List the identities of a client with their numbers
    List(ListArgs),
    /// Remove an identity
    Remove(RemoveArgs),
}

#[derive(Args)]
pub(in crate::cli) struct AddArgs {
    /// The client
    client_id: ClientId,
    /// The trusted issuer, by its name
    #[arg(long)]
    issuer: IssuerName,
    /// The exact `sub`; of a SPIFFE ID also everything below a whole segment: `spiffe://acme.example/ns/prod/*`
    #[arg(long, required_unless_present = "claims")]
    subject: Option<Subject>,
    /// A claim and its exact value: `/repository_id=74`; may be repeated, then all are asked for
    #[arg(long = "claim", value_name = "POINTER=VALUE", value_parser = parse_claim)]
    claims: Vec<(JsonPointer, String)>,
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
pub(in crate::cli) struct RemoveArgs {
    /// The client
    client_id: ClientId,
    /// The number of the identity, as `list` shows it
    number: usize,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct PrintedList<'a> {
    identities: &'a Identities,
}

pub(in crate::cli) async fn run(app: &App, command: IdentityCommand) -> anyhow::Result<()> {
    match command {
        IdentityCommand::Add(args) => {
            let identity =
                ClientIdentity::new(args.issuer, args.subject, args.claims).map_err(Error::from)?;
            let change = |mut list: Vec<ClientIdentity>| {
                list.push(identity);
                Ok(list)
            };
            let client = update(app, &args.client_id, change).await?;
            print(&client, args.output)
        }
        IdentityCommand::List(args) => {
            let record = app.clients.find(&args.client_id).await?;
            print(&record.client, args.output)
        }
        IdentityCommand::Remove(args) => {
            let change = |mut list: Vec<ClientIdentity>| {
                if args.number == 0 || args.number > list.len() {
                    let what = format!("identity {} of `{}`", args.number, args.client_id);
                    return Err(Error::not_found(what));
                }
                list.remove(args.number - 1);
                Ok(list)
            };
            let client = update(app, &args.client_id, change).await?;
            print(&client, args.output)
        }
    }
}

/// Changes the list that is there now, and no other.
async fn update(
    app: &App,
    id: &ClientId,
    change: impl FnOnce(Vec<ClientIdentity>) -> Result<Vec<ClientIdentity>, Error>,
) -> anyhow::Result<Client> {
    let client = app.clients.find(id).await?.client;
    let list = client.authentication.identities.iter().cloned().collect();
    let mut changes = ClientChanges::default();
    let identities = Identities::new(change(list)?).map_err(Error::from)?;
    changes.authentication.identities = Some(identities);
    let expected = ExpectedVersion::OneOf(vec![ClientVersion::from(&client)]);
    Ok(app
        .clients
        .update(&origin(), id, &expected, changes)
        .await?)
}

fn print(client: &Client, output: Output) -> anyhow::Result<()> {
    let identities = &client.authentication.identities;
    output.print(&PrintedList { identities }, || {
        output::table(
            &["number", "issuer", "subject", "claims"],
            (1..).zip(identities.iter()).map(|(number, identity)| {
                let subject = identity.subject().map_or("", Subject::as_str);
                vec![
                    number.to_string(),
                    identity.issuer().to_string(),
                    subject.to_owned(),
                    claims(identity),
                ]
            }),
        )
    })
}

fn claims(identity: &ClientIdentity) -> String {
    let members = serde_json::to_value(identity).unwrap_or_default();
    let none = Map::new();
    let claims = members["claims"].as_object().unwrap_or(&none).iter();
    let words: Vec<String> = claims
        .map(|(pointer, value)| format!("{pointer}={}", value.as_str().unwrap_or_default()))
        .collect();
    words.join(" ")
}

/// `POINTER=VALUE`: a pointer has no `=` in any claim that platforms write.
fn parse_claim(text: &str) -> Result<(JsonPointer, String), String> {
    let (pointer, value) = text
        .split_once('=')
        .ok_or_else(|| "a claim is POINTER=VALUE, such as /repository_id=74".to_owned())?;
    let pointer = JsonPointer::parse(pointer).map_err(|error| error.0)?;
    Ok((pointer, value.to_owned()))
}
