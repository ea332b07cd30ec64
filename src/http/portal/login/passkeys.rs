//! Passkeys: adding one, logging in with one, removing one. The browser's part is in the script.

use askama::Template;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{Admins, SessionStep};
use crate::domain::{Name, PasskeyId};
use crate::http::portal::access::{Form, LoggingIn, PortalRequest, Viewer, see_with_token};
use crate::http::portal::links::see_done;
use crate::http::portal::login::account;
use crate::http::portal::login::second_factor::finish_log_in;
use crate::http::portal::page::{self, FieldErrors, Layout};

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

async fn passkey_page(request: &PortalRequest<LoggingIn>, label: String) -> Result<PasskeyPage> {
    let path = "/admin/account/passkey";
    Ok(PasskeyPage {
        layout: Layout::new("Add a passkey", path, Some(request)),
        is_required: request.step == SessionStep::AddSecondFactor,
        called: label,
        options: request.app.admins.begin_passkey(request).await?,
    })
}

/// The form for one more, with what the browser has to know.
pub(in crate::http::portal) async fn show_new_passkey(
    request: PortalRequest<LoggingIn>,
) -> Result<Response> {
    Ok(page::show(&passkey_page(&request, String::new()).await?))
}

/// Adds the one that the browser has made.
pub(in crate::http::portal) async fn add_passkey(
    request: PortalRequest<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let (label, made) = (form.take("label"), form.take("response"));
    let password = form.take_password();
    let mut errors = FieldErrors::default();
    errors.require("label", label.trim());
    errors.check("label", Name::parse(label.trim()));
    if request.step != SessionStep::AddSecondFactor {
        errors.require("password", password.expose());
    }
    let added = async {
        errors.finish(Some(()))?;
        let (by, admins) = (&request.origin, &request.app.admins);
        let added = admins.add_passkey(by, &request, &label, &made, &password);
        added.await
    };
    match added.await {
        Ok(token) => Ok(see_with_token("/admin/account?done=passkey", &token)),
        Err(error) => {
            if Admins::is_wrong_password(&error) {
                errors = FieldErrors::at("password", &error);
            }
            page::again_with(errors, error, passkey_page(&request, label)).await
        }
    }
}

/// Lets the session go on, with another token.
pub(in crate::http::portal) async fn answer_challenge(
    request: PortalRequest<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let (by, signed) = (&request.origin, form.take("response"));
    let verified = request.app.admins.verify_passkey(by, &request, &signed);
    finish_log_in(&request, None, verified.await).await
}

/// Removes one of the own ones.
pub(in crate::http::portal) async fn remove_passkey(
    request: PortalRequest<Viewer, String>,
    mut form: Form,
) -> Result<Response> {
    let (by, admins) = (&request.origin, &request.app.admins);
    let id = PasskeyId::parse(&request.target)?;
    let password = form.take_password();
    let removed = admins.remove_passkey(by, &request, &id, &password);
    match removed.await {
        Ok(()) => Ok(see_done(account::PATH, "passkey-removed")),
        Err(error) => account::show_again(&request, &format!("password-{id}"), error).await,
    }
}
