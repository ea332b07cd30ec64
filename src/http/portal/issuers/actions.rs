//! What an owner does with an issuer: disable, enable, check and delete. A question before it says what disabling and deleting
//! end.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::IssuerCheck;
use crate::app::error::Result;
use crate::domain::{IssuerName, IssuerStatus};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Owner, Session};
use crate::http::portal::issuers::{PATH, issuer_page, path_of_issuer};
use crate::http::portal::links::{see, see_done};
use crate::http::portal::page;
use crate::http::portal::page::Layout;
use crate::http::portal::page::question::Question;
use crate::http::request::path::InPath;

#[derive(Template)]
#[template(path = "issuers/issuer_check.html")]
struct CheckPage {
    layout: Layout,
    check: IssuerCheck,
    path: String,
}

async fn disable_question(
    app: &AppState,
    session: &Session<Owner>,
    name: &IssuerName,
) -> Result<Question> {
    let clients = app.issuers.find(name).await?.clients;
    let path = path_of_issuer(name);
    let layout = session.layout(format!("Disable {name}?"), PATH);
    let question = Question::new(layout, "Disable issuer", format!("{path}/disable"), path);
    let question = if clients == 0 {
        question.fact("No client has an identity at this issuer.")
    } else {
        let fact = format!(
            "{clients} client(s) have an identity at this issuer, and can no longer log in through it."
        );
        let label = "Also revoke all tokens of these clients, whichever way they got them";
        question.fact(fact).tick("revoke_tokens", label)
    };
    Ok(question.fact("The issuer and the identities stay, and can be enabled again."))
}

/// Asks whether to disable an issuer.
pub(in crate::http::portal) async fn ask_disable(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<IssuerName>,
) -> Result<Response> {
    Ok(disable_question(&app, &session, &name).await?.show())
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
        Err(error) => page::again(error, disable_question(&app, &session, &name)).await,
    }
}

/// Enables an issuer: clients can log in through it again.
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
        Err(error) => page::again(error, issuer_page(&app, &session, &name)).await,
    }
}

async fn delete_question(
    app: &AppState,
    session: &Session<Owner>,
    name: &IssuerName,
) -> Result<Question> {
    let clients = app.issuers.find(name).await?.clients;
    let path = path_of_issuer(name);
    let layout = session.layout(format!("Delete {name}?"), PATH);
    let question = Question::new(layout, "Delete issuer", format!("{path}/delete"), path);
    Ok(if clients == 0 {
        question.fact("No client has an identity at this issuer. Its configuration is lost.")
    } else {
        question.impossible(format!(
            "{clients} client(s) have an identity at this issuer. Remove these first, or disable the issuer."
        ))
    })
}

/// Asks whether to delete an issuer.
pub(in crate::http::portal) async fn ask_delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<IssuerName>,
) -> Result<Response> {
    Ok(delete_question(&app, &session, &name).await?.show())
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
        Err(error) => page::again(error, delete_question(&app, &session, &name)).await,
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
