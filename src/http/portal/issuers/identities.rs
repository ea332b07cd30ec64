//! The identities of a client: how platforms name it. One is added by a form, and removed on a page that asks first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::domain::{
    Client, ClientId, ClientIdentity, IdentityDigest, IdentityUse, IssuerName, Subject,
};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session};
use crate::http::portal::issuers::typed::{Typed, again};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
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

#[derive(Template)]
#[template(path = "issuers/identity_remove.html")]
struct RemovePage {
    layout: Layout,
    path: String,
    client: Client,
    identity: ClientIdentity,
    digest: IdentityDigest,
    used: Option<IdentityUse>,
}

page::pages!(NewPage, RemovePage);

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
        typed.refuse("issuer", "an identity is at a trusted issuer");
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

async fn remove_page(
    app: &AppState,
    session: &Session<Operator>,
    id: &ClientId,
    digest: &str,
) -> Result<RemovePage> {
    let client = app.clients.find(id).await?.client;
    let uses = app.usage.find_of_client(id).await?;
    let is_meant = |it: &&ClientIdentity| IdentityDigest::of(it).as_str() == digest;
    let identities = &client.authentication.identities;
    let found = identities.iter().find(is_meant).cloned();
    let Some(identity) = found else {
        return Err(Error::not_found(format_args!("identity of `{id}`")));
    };
    Ok(RemovePage {
        layout: session.layout("Remove identity", &path_of(id)),
        path: path_of(id),
        used: uses.of_identity(&identity).cloned(),
        digest: IdentityDigest::of(&identity),
        client,
        identity,
    })
}

/// Asks whether to remove an identity.
pub(in crate::http::portal) async fn show_remove_identity(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath((id, digest)): InPath<(ClientId, String)>,
) -> Result<Response> {
    let page = remove_page(&app, &session, &id, &digest);
    Ok(page::show(&page.await?))
}

/// Removes an identity: its tokens are the client no more.
pub(in crate::http::portal) async fn remove_identity(
    State(app): State<AppState>,
    session: Session<Operator>,
    InPath((id, digest)): InPath<(ClientId, String)>,
    _form: Form,
) -> Result<Response> {
    let page = remove_page(&app, &session, &id, &digest).await?;
    let (by, identity) = (&session.origin, &page.identity);
    match app.clients.remove_identity(by, &id, identity).await {
        Ok(_) => Ok(see_done(&path_of(&id), "identity-removed")),
        Err(error) => again(page, error, false),
    }
}
