//! The identities of a client: how platforms name it. One is added by a form, and removed on a page that asks first.

use askama::Template;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::domain::{ClientId, ClientIdentity, IdentityDigest, IdentityUse, IssuerName, Subject};
use crate::http::portal::access::{Form, Operator, PortalRequest};
use crate::http::portal::issuers::typed::{Typed, again};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page::{self, Layout, Question};

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

async fn new_page(request: &PortalRequest<Operator, ClientId>, typed: Typed) -> Result<NewPage> {
    let (app, id, path) = (&request.app, &request.target, path_of(&request.target));
    app.clients.find(id).await?;
    let issuers = app.issuers.list().await?.into_iter();
    Ok(NewPage {
        layout: request.layout(format!("Add identity to {id}"), &path),
        path,
        client_id: id.clone(),
        issuers: issuers.map(|it| it.issuer.name).collect(),
        typed,
    })
}

pub(in crate::http::portal) async fn show_new_identity(
    request: PortalRequest<Operator, ClientId>,
) -> Result<Response> {
    Ok(page::show(&new_page(&request, Typed::default()).await?))
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
    request: PortalRequest<Operator, ClientId>,
    mut form: Form,
) -> Result<Response> {
    let (clients, by, id) = (&request.app.clients, &request.origin, &request.target);
    let mut typed = Typed::read(&mut form, &["issuer", "subject", "claims"]);
    let identity = read(&mut typed);
    let at_field = identity.is_none();
    let added = match identity {
        Some(identity) => clients.add_identity(by, id, identity).await.map(drop),
        None => typed.finish(),
    };
    match added {
        Ok(()) => Ok(see_done(&path_of(id), "identity-added")),
        Err(error) => again(new_page(&request, typed).await?, error, at_field),
    }
}

/// A client, and the digest of one of its identities.
type IdentityPath = (ClientId, String);

/// The identity that the path names.
async fn find(request: &PortalRequest<Operator, IdentityPath>) -> Result<ClientIdentity> {
    let (id, digest) = &request.target;
    let client = request.app.clients.find(id).await?.client;
    let mut identities = client.authentication.identities.iter();
    let found = identities.find(|it| IdentityDigest::of(it).as_str() == digest);
    let found = found.cloned();
    found.ok_or_else(|| Error::not_found(format_args!("identity of `{id}`")))
}

async fn question(
    request: &PortalRequest<Operator, IdentityPath>,
    identity: &ClientIdentity,
) -> Result<Question> {
    let (app, (id, digest)) = (&request.app, &request.target);
    let uses = app.usage.find_of_client(id).await?;
    let use_of_it = match uses.of_identity(identity) {
        Some(IdentityUse { last, subject, .. }) => {
            let last = last.in_words(app.clock().now());
            format!("Last used {last} as `{subject}`.")
        }
        None => "It was never used.".to_owned(),
    };
    let (verb, action) = ("Remove identity", format!("identities/{digest}/remove"));
    Ok(Question::new(request, "Remove identity?", verb, &path_of(id), &action)
        .fact(format!("`{identity}`"))
        .fact("The client can no longer log in with it. Its tokens stay active until they expire.")
        .fact(use_of_it))
}

pub(in crate::http::portal) async fn ask_remove(
    request: PortalRequest<Operator, IdentityPath>,
) -> Result<Question> {
    question(&request, &find(&request).await?).await
}

/// Removes an identity: its tokens are the client no more.
pub(in crate::http::portal) async fn remove_identity(
    request: PortalRequest<Operator, IdentityPath>,
    _form: Form,
) -> Result<Response> {
    let (by, (id, _)) = (&request.origin, &request.target);
    let identity = find(&request).await?;
    let removed = request.app.clients.remove_identity(by, id, &identity).await;
    let question = question(&request, &identity);
    page::after(removed, &path_of(id), "identity-removed", question).await
}
