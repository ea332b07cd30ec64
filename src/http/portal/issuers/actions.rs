//! What an owner does with an issuer: disable, enable, check and delete. Disabling and deleting are asked for on a page of their
//! own, which says what they end.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{IssuerCheck, ListedIssuer};
use crate::domain::{IssuerName, IssuerStatus};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Owner, Session};
use crate::http::portal::issuers::typed::again;
use crate::http::portal::issuers::{PATH, issuer_page, path_of_issuer};
use crate::http::portal::links::{see, see_done};
use crate::http::portal::page;
use crate::http::portal::page::Layout;
use crate::http::request::path::InPath;

#[derive(Template)]
#[template(path = "issuers/issuer_disable.html")]
struct DisablePage {
    layout: Layout,
    listed: ListedIssuer,
    path: String,
}

#[derive(Template)]
#[template(path = "issuers/issuer_delete.html")]
struct DeletePage {
    layout: Layout,
    listed: ListedIssuer,
    path: String,
}

#[derive(Template)]
#[template(path = "issuers/issuer_check.html")]
struct CheckPage {
    layout: Layout,
    check: IssuerCheck,
    path: String,
}

page::pages!(DisablePage, DeletePage, CheckPage);

async fn disable_page(
    app: &AppState,
    session: &Session<Owner>,
    name: &IssuerName,
) -> Result<DisablePage> {
    Ok(DisablePage {
        layout: session.layout(format!("Disable {name}"), PATH),
        listed: app.issuers.find(name).await?,
        path: path_of_issuer(name),
    })
}

/// Asks whether to disable an issuer.
pub(in crate::http::portal) async fn show_disable(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<IssuerName>,
) -> Result<Response> {
    Ok(page::show(&disable_page(&app, &session, &name).await?))
}

/// Lets no client log in through an issuer; where that is asked for, also revokes the tokens of its clients.
pub(in crate::http::portal) async fn disable(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<IssuerName>,
    mut form: Form,
) -> Result<Response> {
    let (by, path) = (&session.origin, path_of_issuer(&name));
    let done = if form.is_ticked("revoke_tokens") {
        let revoked = app.issuers.disable_and_revoke(by, &name).await;
        revoked.map(|it| see(&format!("{path}?revoked={}", it.revoked_clients)))
    } else {
        let disabled = app.issuers.set_status(by, &name, IssuerStatus::Disabled);
        disabled.await.map(|_| see_done(&path, "disabled"))
    };
    match done {
        Ok(redirect) => Ok(redirect),
        Err(error) => again(disable_page(&app, &session, &name).await?, error, false),
    }
}

/// Lets clients log in through an issuer again.
pub(in crate::http::portal) async fn enable(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<IssuerName>,
    _form: Form,
) -> Result<Response> {
    let (by, path) = (&session.origin, path_of_issuer(&name));
    let enabled = app.issuers.set_status(by, &name, IssuerStatus::Enabled);
    match enabled.await {
        Ok(_) => Ok(see_done(&path, "enabled")),
        Err(error) => again(issuer_page(&app, &session, &name).await?, error, false),
    }
}

async fn delete_page(
    app: &AppState,
    session: &Session<Owner>,
    name: &IssuerName,
) -> Result<DeletePage> {
    Ok(DeletePage {
        layout: session.layout(format!("Delete {name}"), PATH),
        listed: app.issuers.find(name).await?,
        path: path_of_issuer(name),
    })
}

/// Asks whether to delete an issuer.
pub(in crate::http::portal) async fn show_delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<IssuerName>,
) -> Result<Response> {
    Ok(page::show(&delete_page(&app, &session, &name).await?))
}

/// Trusts an issuer no more, at which no client has an identity.
pub(in crate::http::portal) async fn delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<IssuerName>,
    _form: Form,
) -> Result<Response> {
    match app.issuers.remove(&session.origin, &name).await {
        Ok(()) => Ok(see_done(PATH, "deleted")),
        Err(error) => again(delete_page(&app, &session, &name).await?, error, false),
    }
}

/// Fetches the keys of an issuer now, and shows what came or why nothing did.
pub(in crate::http::portal) async fn check(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<IssuerName>,
    _form: Form,
) -> Result<Response> {
    Ok(page::show(&CheckPage {
        layout: session.layout(format!("Check {name}"), PATH),
        check: app.issuers.check(&name).await?,
        path: path_of_issuer(&name),
    }))
}
