//! The account of who is logged in: the password, and the second factor.

use std::future::ready;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{Admins, SessionStep};
use crate::base::secret::Secret;
use crate::domain::{Admin, Passkey};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{LoggingIn, Session, Viewer, see_with_token};
use crate::http::portal::links::see;
use crate::http::portal::page;
use crate::http::portal::page::field_errors::FieldErrors;
use crate::http::portal::page::{Layout, When};

pub(super) const PATH: &str = "/admin/account";

#[derive(Template)]
#[template(path = "login/account.html")]
pub(in crate::http::portal) struct AccountPage {
    layout: Layout,
    admin: Admin,
    takes_passkeys: bool,
    passkeys: Vec<Passkey>,
    recovery_codes: u64,
}

page::pages!(AccountPage, PasswordPage);

pub(in crate::http::portal) async fn account_page(
    app: &AppState,
    session: &Session<Viewer>,
) -> Result<AccountPage> {
    Ok(AccountPage {
        layout: session.layout("Your account", PATH),
        admin: session.admin.clone(),
        takes_passkeys: app.admins.takes_passkeys(),
        passkeys: app.admins.list_passkeys(&session.admin.name).await?,
        recovery_codes: app.admins.count_recovery_codes(&session.admin.name).await?,
    })
}

/// Who somebody is here.
pub(in crate::http::portal) async fn show_account(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Result<Response> {
    Ok(page::show(&account_page(&app, &session).await?))
}

#[derive(Template)]
#[template(path = "login/password.html")]
struct PasswordPage {
    layout: Layout,
    is_required: bool,
}

fn password_page(session: &Session<LoggingIn>) -> PasswordPage {
    let path = "/admin/account/password";
    PasswordPage {
        layout: Layout::new("Change your password", path, Some(session)),
        is_required: session.step == SessionStep::ChangePassword,
    }
}

/// The form for another password.
pub(in crate::http::portal) async fn show_password(session: Session<LoggingIn>) -> Response {
    page::show(&password_page(&session))
}

/// Changes the password, and the session's token with it.
pub(in crate::http::portal) async fn change_password(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let mut errors = FieldErrors::default();
    let changed = async {
        let (old, new) = read_passwords(&app, &session, &mut form, &mut errors)?;
        let (by, admins) = (&session.origin, &app.admins);
        admins.change_password(by, &session, &old, &new).await
    };
    match changed.await {
        Ok(token) => Ok(see_with_token("/admin/account?done=password", &token)),
        Err(error) => {
            if Admins::is_wrong_password(&error) {
                errors = FieldErrors::at("old", &error);
            }
            page::again_with(errors, error, ready(Ok(password_page(&session)))).await
        }
    }
}

/// The current and the new password, if each field is right as far as it can be judged by itself.
fn read_passwords(
    app: &AppState,
    session: &Session<LoggingIn>,
    form: &mut Form,
    errors: &mut FieldErrors,
) -> Result<(Secret<String>, Secret<String>)> {
    let mut read = |field| {
        let password = Secret::new(form.take(field));
        errors.require(field, password.expose());
        password
    };
    let [old, new, again] = ["old", "new", "again"].map(&mut read);
    errors.check("new", app.admins.check_new_password(session, &old, &new));
    if again != new {
        let error = Error::invalid_request("the two new passwords differ");
        errors.check("again", Err::<(), _>(error));
    }
    errors.finish(Some((old, new)))
}

/// Takes the own authenticator app away, where something else is left or nothing is required. Ends every session, this one too.
pub(in crate::http::portal) async fn remove_second_factor(
    State(app): State<AppState>,
    session: Session<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let password = form.take_password();
    let (by, admins) = (&session.origin, &app.admins);
    match admins
        .remove_own_second_factor(by, &session, &password)
        .await
    {
        Ok(()) => Ok(see("/admin/login")),
        Err(error) => show_again(&app, &session, "password-app", error).await,
    }
}

/// Shows the account again, with the error at the field of the current password if that is wrong.
pub(super) async fn show_again(
    app: &AppState,
    session: &Session<Viewer>,
    field: &str,
    error: Error,
) -> Result<Response> {
    let page = account_page(app, session);
    if Admins::is_wrong_password(&error) {
        page::again_at(field, error, page).await
    } else {
        page::again(error, page).await
    }
}
