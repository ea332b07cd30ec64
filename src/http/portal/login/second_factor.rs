//! The second factor at a login; and the code of an authenticator app, and adding the app.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use qrcode::QrCode;
use qrcode::render::svg;

use crate::app::error::{Error, Result};
use crate::app::{SessionStep, TotpEnrolment};
use crate::base::secret::Secret;
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{LoggingIn, Session, see_with_token};
use crate::http::portal::links::see;
use crate::http::portal::page;
use crate::http::portal::page::Layout;

#[derive(Template)]
#[template(path = "login/challenge.html")]
struct ChallengePage {
    layout: Layout,
    error: Option<String>,
    has_totp: bool,
    has_recovery_codes: bool,
    /// What the browser has to know to use one.
    passkey: Option<String>,
}

/// What asks for whichever second factor there is.
async fn challenge_page(
    app: &AppState,
    session: &Session<LoggingIn>,
    error: Option<String>,
) -> Result<ChallengePage> {
    let path = "/admin/login/code";
    let locked_out = app.admins.lockout_reason(&session.admin);
    let locked_out = locked_out.map(|reason| page::sentence(&Error::invalid_request(reason)));
    Ok(ChallengePage {
        layout: Layout::new("Second factor", path, Some(session)),
        error: locked_out.or(error),
        has_totp: session.admin.has_totp,
        has_recovery_codes: app.admins.count_recovery_codes(&session.admin.name).await? > 0,
        passkey: app.admins.begin_passkey_log_in(session).await?,
    })
}

/// Asks for it.
pub(in crate::http::portal) async fn show_challenge(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
) -> Result<Response> {
    if session.step != SessionStep::TypeCode {
        return Ok(see("/admin/"));
    }
    Ok(page::show(&challenge_page(&app, &session, None).await?))
}

/// Lets the session go on, with another token.
pub(in crate::http::portal) async fn answer_challenge(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let (code, recovery) = (form.take("code"), form.take_secret("recovery_code"));
    let (by, admins) = (&session.origin, &app.admins);
    let verified = match recovery {
        Some(code) => admins.verify_recovery_code(by, &session, &code).await,
        None => admins.verify_totp(by, &session, &code).await,
    };
    go_on(&app, &session, verified).await
}

/// Ends the login with the token that the second factor brought, or asks for it again.
pub(in crate::http::portal) async fn go_on(
    app: &AppState,
    session: &Session<LoggingIn>,
    verified: Result<Secret<String>>,
) -> Result<Response> {
    match verified {
        Ok(token) => Ok(see_with_token("/admin/", &token)),
        Err(error) => {
            let error = page::mendable(error)?;
            let told = Some(page::sentence(&error));
            let page = challenge_page(app, session, told).await?;
            Ok(page::show_again(&page, error))
        }
    }
}

#[derive(Template)]
#[template(path = "login/enrolment.html")]
struct EnrolmentPage {
    layout: Layout,
    error: Option<String>,
    is_required: bool,
    takes_passkeys: bool,
    qr: String,
    secret: String,
}

fn enrolment_page(
    app: &AppState,
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
        takes_passkeys: app.admins.takes_passkeys(),
        qr,
        secret: in_groups(enrolment.secret.expose()),
    })
}

/// Shows what an app has to know.
pub(in crate::http::portal) async fn show_enrolment(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
) -> Result<Response> {
    let enrolment = app.admins.begin_totp(&session).await?;
    Ok(page::show(&enrolment_page(
        &app, &session, &enrolment, None,
    )?))
}

/// Adds the app, now that a code shows that it works.
pub(in crate::http::portal) async fn confirm(
    State(app): State<AppState>,
    session: Session<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let code = form.take("code");
    let password = form.take_password();
    match app
        .admins
        .confirm_totp(&session.origin, &session, &code, &password)
        .await
    {
        Ok(token) => Ok(see_with_token("/admin/account?done=second-factor", &token)),
        Err(error) => {
            let error = page::mendable(error)?;
            let enrolment = app.admins.begin_totp(&session).await?;
            let told = Some(page::sentence(&error));
            Ok(page::show_again(
                &enrolment_page(&app, &session, &enrolment, told)?,
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
