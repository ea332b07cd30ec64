//! The account of who is logged in: the password, and the second factor.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::SessionStep;
use crate::app::error::{Error, Result};
use crate::domain::{Admin, Passkey};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{LoggingIn, Session, Viewer, see_with_token};
use crate::http::portal::links::see;
use crate::http::portal::page;
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

page::pages!(AccountPage);

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
    error: Option<String>,
    is_required: bool,
}

fn password_page(session: &Session<LoggingIn>, error: Option<String>) -> PasswordPage {
    let path = "/admin/account/password";
    PasswordPage {
        layout: Layout::new("Change your password", path, Some(session)),
        error,
        is_required: session.step == SessionStep::ChangePassword,
    }
}

/// The form for another password.
pub(in crate::http::portal) async fn show_password(session: Session<LoggingIn>) -> Response {
    page::show(&password_page(&session, None))
}

/// Changes the password, and the session's token with it.
pub(in crate::http::portal) async fn change_password(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let read = |form: &mut Form| {
        let (old, new) = (form.secret("old")?, form.secret("new")?);
        if form.secret("again")? == new {
            return Ok((old, new));
        }
        Err(Error::invalid_request(
            "the new password was typed in two ways",
        ))
    };
    let changed = match read(&mut form) {
        Ok((old, new)) => {
            app.admins
                .change_password(&session.origin, &session, &old, &new)
                .await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(token) => Ok(see_with_token("/admin/account?done=password", &token)),
        Err(error) => {
            let error = page::mendable(error)?;
            let told = Some(page::sentence(&error));
            Ok(page::show_again(&password_page(&session, told), error))
        }
    }
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
        Err(error) => page::again(error, account_page(&app, &session)).await,
    }
}
