//! Passkeys: adding one, logging in with one, removing one. The browser's part is in the script.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{Admins, SessionStep};
use crate::domain::{Name, PasskeyId};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{LoggingIn, Session, Viewer, see_with_token};
use crate::http::portal::links::see_done;
use crate::http::portal::login::account;
use crate::http::portal::login::second_factor::finish_log_in;
use crate::http::portal::page;
use crate::http::portal::page::Layout;
use crate::http::portal::page::field_errors::FieldErrors;

#[derive(Template)]
#[template(path = "login/passkey.html")]
struct PasskeyPage {
    layout: Layout,
    is_required: bool,
    /// Not `label`: a macro's parameter would hide it.
    called: String,
    options: String,
}

page::pages!(PasskeyPage);

async fn passkey_page(
    app: &AppState,
    session: &Session<LoggingIn>,
    label: String,
) -> Result<PasskeyPage> {
    Ok(PasskeyPage {
        layout: Layout::new("Add a passkey", "/admin/account/passkey", Some(session)),
        is_required: session.step == SessionStep::AddSecondFactor,
        called: label,
        options: app.admins.begin_passkey(session).await?,
    })
}

/// The form for one more, with what the browser has to know.
pub(in crate::http::portal) async fn show_new_passkey(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
) -> Result<Response> {
    let page = passkey_page(&app, &session, String::new()).await?;
    Ok(page::show(&page))
}

/// Adds the one that the browser has made.
pub(in crate::http::portal) async fn add_passkey(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let (label, made) = (form.take("label"), form.take("response"));
    let password = form.take_password();
    let mut errors = FieldErrors::default();
    errors.require("label", label.trim());
    errors.check("label", Name::parse(label.trim()));
    if session.step != SessionStep::AddSecondFactor {
        errors.require("password", password.expose());
    }
    let added = async {
        errors.finish(Some(()))?;
        let (by, admins) = (&session.origin, &app.admins);
        let added = admins.add_passkey(by, &session, &label, &made, &password);
        added.await
    };
    match added.await {
        Ok(token) => Ok(see_with_token("/admin/account?done=passkey", &token)),
        Err(error) => {
            if Admins::is_wrong_password(&error) {
                errors = FieldErrors::at("password", &error);
            }
            page::again_with(errors, error, passkey_page(&app, &session, label)).await
        }
    }
}

/// Lets the session go on, with another token.
pub(in crate::http::portal) async fn answer_challenge(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let signed = form.take("response");
    let verified = app
        .admins
        .verify_passkey(&session.origin, &session, &signed)
        .await;
    finish_log_in(&app, &session, None, verified).await
}

/// Removes one of the own ones.
pub(in crate::http::portal) async fn remove_passkey(
    State(app): State<AppState>,
    session: Session<Viewer>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let id = PasskeyId::parse(&id)?;
    let password = form.take_password();
    let (by, admins) = (&session.origin, &app.admins);
    let removed = admins.remove_passkey(by, &session, &id, &password);
    match removed.await {
        Ok(()) => Ok(see_done(account::PATH, "passkey-removed")),
        Err(error) => {
            let field = format!("password-{id}");
            account::show_again(&app, &session, &field, error).await
        }
    }
}
