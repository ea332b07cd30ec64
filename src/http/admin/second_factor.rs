//! The code of an authenticator app: asked for at a login, and adding the app.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use qrcode::QrCode;
use qrcode::render::svg;

use super::form::Form;
use super::guard::see;
use super::page::{self, Layout};
use super::session::{LoggingIn, Session, set_cookie};
use crate::app::{SessionStep, TotpEnrolment};
use crate::error::{Error, Result};
use crate::http::AppState;

#[derive(Template)]
#[template(path = "challenge.html")]
struct ChallengePage {
    layout: Layout,
    error: Option<String>,
}

fn challenge_page(session: &Session<LoggingIn>, error: Option<String>) -> ChallengePage {
    let path = "/admin/login/code";
    ChallengePage {
        layout: Layout::new("Second factor", path, Some(session)),
        error,
    }
}

/// Asks for the code.
pub(super) async fn show_challenge(session: Session<LoggingIn>) -> Response {
    if session.step != SessionStep::TypeCode {
        return see("/admin/");
    }
    page::show(&challenge_page(&session, None))
}

/// Lets the session go on, with another token.
pub(super) async fn answer_challenge(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let code = form.take("code");
    match app.verify_totp(&session.origin, &session, &code).await {
        Ok(token) => {
            let mut response = see("/admin/");
            set_cookie(&mut response, &token);
            Ok(response)
        }
        Err(error) => {
            let error = page::mendable(error)?;
            let told = Some(page::sentence(&error));
            Ok(page::show_again(&challenge_page(&session, told), error))
        }
    }
}

#[derive(Template)]
#[template(path = "enrolment.html")]
struct EnrolmentPage {
    layout: Layout,
    error: Option<String>,
    is_required: bool,
    qr: String,
    secret: String,
}

fn enrolment_page(
    session: &Session<LoggingIn>,
    enrolment: &TotpEnrolment,
    error: Option<String>,
) -> Result<EnrolmentPage> {
    let path = "/admin/account/second-factor";
    let code = QrCode::new(enrolment.url.expose()).map_err(Error::internal)?;
    let qr = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .quiet_zone(false)
        .build();
    // What stands before the element itself is for files.
    let qr = qr
        .find("<svg")
        .map_or_else(String::new, |at| qr[at..].to_owned());
    Ok(EnrolmentPage {
        layout: Layout::new("Add a second factor", path, Some(session)),
        error,
        is_required: session.step == SessionStep::AddSecondFactor,
        qr,
        secret: in_groups(enrolment.secret.expose()),
    })
}

/// Shows what an app has to know.
pub(super) async fn show_enrolment(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
) -> Result<Response> {
    let enrolment = app.begin_totp(&session).await?;
    Ok(page::show(&enrolment_page(&session, &enrolment, None)?))
}

/// Adds the app, now that a code shows that it works.
pub(super) async fn confirm(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let code = form.take("code");
    match app.confirm_totp(&session.origin, &session, &code).await {
        Ok(token) => {
            let mut response = see("/admin/account?done=second-factor");
            set_cookie(&mut response, &token);
            Ok(response)
        }
        Err(error) => {
            let error = page::mendable(error)?;
            let enrolment = app.begin_totp(&session).await?;
            let told = Some(page::sentence(&error));
            Ok(page::show_again(
                &enrolment_page(&session, &enrolment, told)?,
                error,
            ))
        }
    }
}

/// Four characters each, as people read them out.
fn in_groups(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    let groups = characters.chunks(4).map(|group| group.iter().collect());
    groups.collect::<Vec<String>>().join(" ")
}
