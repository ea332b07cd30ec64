//! The account of who is logged in: the password, the second factor, and recovery codes, which are shown once.

use std::future::ready;

use askama::Template;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{Admins, SessionStep};
use crate::base::secret::Secret;
use crate::domain::{Admin, Passkey};
use crate::http::portal::access::{
    Form, LoggingIn, PortalRequest, Shown, Viewer, sealable, see_with_token,
};
use crate::http::portal::links::see;
use crate::http::portal::page::{self, FieldErrors, Layout};

pub(super) const PATH: &str = "/admin/account";

#[derive(Template)]
#[template(path = "login/account.html")]
struct AccountPage {
    layout: Layout,
    admin: Admin,
    takes_passkeys: bool,
    passkeys: Vec<Passkey>,
    recovery_codes: u64,
}

page::pages!(AccountPage, PasswordPage);

async fn account_page<T>(request: &PortalRequest<Viewer, T>) -> Result<AccountPage> {
    let (admins, name) = (&request.app.admins, &request.admin.name);
    Ok(AccountPage {
        layout: request.layout("Your account", PATH),
        admin: request.admin.clone(),
        takes_passkeys: admins.takes_passkeys(),
        passkeys: admins.list_passkeys(name).await?,
        recovery_codes: admins.count_recovery_codes(name).await?,
    })
}

pub(in crate::http::portal) async fn show_account(
    request: PortalRequest<Viewer>,
) -> Result<Response> {
    Ok(page::show(&account_page(&request).await?))
}

#[derive(Template)]
#[template(path = "login/password.html")]
struct PasswordPage {
    layout: Layout,
    is_required: bool,
}

fn password_page(request: &PortalRequest<LoggingIn>) -> PasswordPage {
    let path = "/admin/account/password";
    PasswordPage {
        layout: Layout::new("Change your password", path, Some(request)),
        is_required: request.step == SessionStep::ChangePassword,
    }
}

pub(in crate::http::portal) async fn show_password(request: PortalRequest<LoggingIn>) -> Response {
    page::show(&password_page(&request))
}

/// Changes the password, and the session's token with it.
pub(in crate::http::portal) async fn change_password(
    request: PortalRequest<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let mut errors = FieldErrors::default();
    let changed = async {
        let (by, admins) = (&request.origin, &request.app.admins);
        let (old, new) = read_passwords(&request, &mut form, &mut errors)?;
        admins.change_password(by, &request, &old, &new).await
    };
    match changed.await {
        Ok(token) => Ok(see_with_token("/admin/account?done=password", &token)),
        Err(error) => {
            if Admins::is_wrong_password(&error) {
                errors = FieldErrors::at("old", &error);
            }
            page::again_with(errors, error, ready(Ok(password_page(&request)))).await
        }
    }
}

/// The current and the new password, if each field is right as far as it can be judged by itself.
fn read_passwords(
    request: &PortalRequest<LoggingIn>,
    form: &mut Form,
    errors: &mut FieldErrors,
) -> Result<(Secret<String>, Secret<String>)> {
    let mut read = |field| {
        let password = Secret::new(form.take(field));
        errors.require(field, password.expose());
        password
    };
    let [old, new, again] = ["old", "new", "again"].map(&mut read);
    let admins = &request.app.admins;
    errors.check("new", admins.check_new_password(request, &old, &new));
    if again != new {
        let error = Error::invalid_request("the two new passwords differ");
        errors.check("again", Err::<(), _>(error));
    }
    errors.finish(Some((old, new)))
}

/// Takes the own authenticator app away, where something else is left or nothing is required. Ends every session, this one too.
pub(in crate::http::portal) async fn remove_second_factor(
    request: PortalRequest<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let (by, admins) = (&request.origin, &request.app.admins);
    let password = form.take_password();
    let removed = admins.remove_own_second_factor(by, &request, &password);
    match removed.await {
        Ok(()) => Ok(see("/admin/login")),
        Err(error) => show_again(&request, "password-app", error).await,
    }
}

#[derive(Template)]
#[template(path = "login/recovery_codes.html")]
struct RecoveryCodesPage {
    layout: Layout,
    /// One a line. `None`: they were shown before.
    codes: Option<String>,
}

/// Replaces the recovery codes, and redirects to the page that shows the new ones once.
pub(in crate::http::portal) async fn make_recovery_codes(
    request: PortalRequest<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let (by, admins) = (&request.origin, &request.app.admins);
    let (submission, password) = (form.submission(), form.take_password());
    let key = submission.key(&request);
    let seal = |codes: &[Secret<String>]| {
        let codes: Vec<&str> = codes.iter().map(|it| it.expose().as_str()).collect();
        sealable(&codes)
    };
    let made = admins.make_recovery_codes(by, &request, &password, &key, seal);
    match made.await {
        Ok(()) => Ok(submission.see("/admin/account/recovery-codes")),
        Err(error) => show_again(&request, "password-codes", error).await,
    }
}

/// Shows new recovery codes, once.
pub(in crate::http::portal) async fn show_recovery_codes(
    request: PortalRequest<Viewer>,
    Shown(codes): Shown<Vec<String>>,
) -> Response {
    page::show(&RecoveryCodesPage {
        layout: request.layout("Recovery codes", PATH),
        codes: codes.map(|it| it.join("\n")),
    })
}

/// Shows the account again, with the error at the field of the current password if that is wrong.
pub(super) async fn show_again<T>(
    request: &PortalRequest<Viewer, T>,
    field: &str,
    error: Error,
) -> Result<Response> {
    let page = account_page(request);
    if Admins::is_wrong_password(&error) {
        page::again_at(field, error, page).await
    } else {
        page::again(error, page).await
    }
}
