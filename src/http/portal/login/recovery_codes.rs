//! Making recovery codes, and the page that shows them once.

use axum::extract::State;
use axum::response::Response;

use askama::Template;

use crate::app::error::Result;
use crate::base::secret::Secret;
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::access::submission;
use crate::http::portal::access::submission::Shown;
use crate::http::portal::login::account;
use crate::http::portal::page;
use crate::http::portal::page::Layout;

#[derive(Template)]
#[template(path = "login/recovery_codes.html")]
struct RecoveryCodesPage {
    layout: Layout,
    /// One a line. `None`: they were shown before.
    codes: Option<String>,
}

/// Replaces the recovery codes, and redirects to the page that shows the new ones once.
pub(in crate::http::portal) async fn make_recovery_codes(
    State(app): State<AppState>,
    session: Session<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let (submission, password) = (form.submission(), form.take_password());
    let (by, key) = (&session.origin, submission.key(&session));
    let seal = |codes: &[Secret<String>]| {
        let codes: Vec<&str> = codes.iter().map(|it| it.expose().as_str()).collect();
        submission::sealable(&codes)
    };
    let admins = &app.admins;
    let made = admins.make_recovery_codes(by, &session, &password, &key, seal);
    match made.await {
        Ok(()) => Ok(submission.see("/admin/account/recovery-codes")),
        Err(error) => account::show_again(&app, &session, "password-codes", error).await,
    }
}

/// Shows new recovery codes, once.
pub(in crate::http::portal) async fn show_recovery_codes(
    session: Session<Viewer>,
    Shown(codes): Shown<Vec<String>>,
) -> Response {
    page::show(&RecoveryCodesPage {
        layout: session.layout("Recovery codes", account::PATH),
        codes: codes.map(|it| it.join("\n")),
    })
}
