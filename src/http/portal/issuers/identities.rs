//! The identities of a client: how platforms name it. One is added by a form, and removed on a page that asks first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::domain::{ClientId, ClientIdentity, IdentityDigest, IdentityUse, IssuerName, Subject};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session};
use crate::http::portal::issuers::typed::{Typed, again};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page;
use crate::http::portal::page::Layout;
use crate::http::portal::page::question::Question;
use crate::http::request::path::InPath;

#[derive(Template)]
#[template(path = "issuers/identity_new.html")]
struct NewPage {
    layout: Layout,
    path: String,
    client_id: ClientId,
    issuers: Vec<IssuerName>,
    typed: Typed,
}

page::pages!(NewPage);

async fn new_page(
    app: &AppState,
    session: &Session<Operator>,
    id: &ClientId,
    typed: Typed,
) -> Result<NewPage> {
    app.clients.find(id).await?;
    let issuers = app.issuers.list().await?.into_iter();
    Ok(NewPage {
        layout: session.layout(format!("Add identity to {id}"), &path_of(id)),
        path: path_of(id),
        client_id: id.clone(),
        issuers: issuers.map(|it| it.issuer.name).collect(),
        typed,
    })
}

/// Shows the empty form.
pub(in crate::http::portal) async fn show_new_identity(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    let page = new_page(&app, &session, &id, Typed::default());
    Ok(page::show(&page.await?))
}

/// What the form says; `None`: a field is wrong, which is noted.
fn read(typed: &mut Typed) -> Option<ClientIdentity> {
    let issuer = typed.parse("issuer", IssuerName::parse);
    if typed.text("issuer").is_empty() {
        typed.refuse("issuer", "an identity needs a trusted issuer");
    }
    let subject = typed.parse("subject", Subject::parse);
    let claims = typed.parse_each("claims", &['\n'], ClientIdentity::parse_claim);
    typed.finish().ok()?;
    match ClientIdentity::new(issuer?, subject, claims) {
        Ok(identity) => Some(identity),
        Err(error) => {
            typed.refuse("subject", error);
            None
        }
    }
}

/// Lets tokens of an issuer be the client.
pub(in crate::http::portal) async fn add_identity(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath(id): InPath<ClientId>,
    mut form: Form,
) -> Result<Response> {
    let mut typed = Typed::read(&mut form, &["issuer", "subject", "claims"]);
    let identity = read(&mut typed);
    let at_field = identity.is_none();
    let added = match (identity, typed.finish()) {
        (Some(identity), Ok(())) => {
            app.clients
                .add_identity(&session.origin, &id, identity)
                .await
        }
        (_, Err(error)) => Err(error),
        (None, Ok(())) => Err(Error::invalid_request("the identity is wrong")),
    };
    match added {
        Ok(_) => Ok(see_done(&path_of(&id), "identity-added")),
        Err(error) => again(new_page(&app, &session, &id, typed).await?, error, at_field),
    }
}

/// The identity of a client that has this digest.
async fn find(app: &AppState, id: &ClientId, digest: &str) -> Result<ClientIdentity> {
    let client = app.clients.find(id).await?.client;
    let is_meant = |it: &&ClientIdentity| IdentityDigest::of(it).as_str() == digest;
    let found = client.authentication.identities.iter().find(is_meant);
    found
        .cloned()
        .ok_or_else(|| Error::not_found(format_args!("identity of `{id}`")))
}

async fn question(
    app: &AppState,
    session: &Session<Operator>,
    id: &ClientId,
    identity: &ClientIdentity,
) -> Result<Question> {
    let uses = app.usage.find_of_client(id).await?;
    let use_of_it = match uses.of_identity(identity) {
        Some(IdentityUse { last, subject, .. }) => {
            let last = last.in_words(app.clock().now());
            format!("Last used {last} as `{subject}`.")
        }
        None => "It was never used.".to_owned(),
    };
    let path = path_of(id);
    let layout = session.layout("Remove identity?", &path);
    let digest = IdentityDigest::of(identity);
    let action = format!("{path}/identities/{}/remove", digest.as_str());
    Ok(Question::new(layout, "Remove identity", action, path)
        .fact(format!("`{identity}`"))
        .fact("The client can no longer log in with it. Its tokens stay active until they expire.")
        .fact(use_of_it))
}

/// Asks whether to remove an identity.
pub(in crate::http::portal) async fn ask_remove(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath((id, digest)): InPath<(ClientId, String)>,
) -> Result<Response> {
    let identity = find(&app, &id, &digest).await?;
    Ok(question(&app, &session, &id, &identity).await?.show())
}

/// Removes an identity: its tokens are the client no more.
pub(in crate::http::portal) async fn remove_identity(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath((id, digest)): InPath<(ClientId, String)>,
    _form: Form,
) -> Result<Response> {
    let identity = find(&app, &id, &digest).await?;
    let removed = app.clients.remove_identity(&session.origin, &id, &identity);
    match removed.await {
        Ok(_) => Ok(see_done(&path_of(&id), "identity-removed")),
        Err(error) => page::again(error, question(&app, &session, &id, &identity)).await,
    }
}
