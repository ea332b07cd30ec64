//! The second factor at a login; and the code of an authenticator app, and adding the app.

use askama::Template;
use axum::response::Response;
use qrcode::QrCode;
use qrcode::render::svg;

use crate::app::error::{Error, Result};
use crate::app::{Admins, SessionStep};
use crate::base::secret::Secret;
use crate::domain::ErrorCode;
use crate::http::portal::access::{Form, LoggingIn, PortalRequest, see_with_token};
use crate::http::portal::links::see;
use crate::http::portal::page::{self, FieldErrors, Layout};

#[derive(Template)]
#[template(path = "login/challenge.html")]
struct ChallengePage {
    layout: Layout,
    has_totp: bool,
    has_recovery_codes: bool,
    /// What the browser has to know to use one.
    passkey: Option<String>,
}

page::pages!(ChallengePage, EnrolmentPage);

/// What asks for whichever second factor there is.
async fn challenge_page(request: &PortalRequest<LoggingIn>) -> Result<ChallengePage> {
    let (admins, admin) = (&request.app.admins, &request.admin);
    let locked_out = admins.lockout_reason(admin);
    let locked_out = locked_out.map(|reason| page::sentence(&Error::invalid_request(reason)));
    Ok(ChallengePage {
        layout: Layout {
            problem: locked_out,
            ..Layout::new("Second factor", "/admin/login/code", Some(request))
        },
        has_totp: admin.has_totp,
        has_recovery_codes: admins.count_recovery_codes(&admin.name).await? > 0,
        passkey: admins.begin_passkey_log_in(request).await?,
    })
}

pub(in crate::http::portal) async fn show_challenge(
    request: PortalRequest<LoggingIn>,
) -> Result<Response> {
    if request.step != SessionStep::TypeCode {
        return Ok(see("/admin/"));
    }
    Ok(page::show(&challenge_page(&request).await?))
}

/// Lets the session go on, with another token.
pub(in crate::http::portal) async fn answer_challenge(
    request: PortalRequest<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let (code, recovery) = (form.take("code"), form.take_secret("recovery_code"));
    let (by, admins) = (&request.origin, &request.app.admins);
    let (field, verified) = match recovery {
        Some(code) => {
            let verified = admins.verify_recovery_code(by, &request, &code).await;
            ("recovery_code", verified)
        }
        None => ("code", admins.verify_totp(by, &request, &code).await),
    };
    finish_log_in(&request, Some(field), verified).await
}

/// Completes the login with the token that the second factor brought, or asks for it again: with the error at `field`, if that
/// is wrong.
pub(in crate::http::portal) async fn finish_log_in(
    request: &PortalRequest<LoggingIn>,
    field: Option<&str>,
    verified: Result<Secret<String>>,
) -> Result<Response> {
    match verified {
        Ok(token) => Ok(see_with_token("/admin/", &token)),
        Err(error) => {
            let page = challenge_page(request);
            if let Some(field) = field.filter(|_| error.code == ErrorCode::InvalidClient) {
                return page::again_at(field, error, page).await;
            }
            let (error, mut page) = (page::mendable(error)?, page.await?);
            // Why nothing here can let the admin in says more.
            let problem = page.layout.problem.take();
            page.layout.problem = problem.or_else(|| Some(page::sentence(&error)));
            Ok(page::show_again(&page, error))
        }
    }
}

#[derive(Template)]
#[template(path = "login/enrolment.html")]
struct EnrolmentPage {
    layout: Layout,
    is_required: bool,
    takes_passkeys: bool,
    qr: String,
    secret: String,
}

async fn enrolment_page(request: &PortalRequest<LoggingIn>) -> Result<EnrolmentPage> {
    let enrolment = request.app.admins.begin_totp(request).await?;
    let code = QrCode::new(enrolment.url.expose()).map_err(Error::internal)?;
    let qr = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .quiet_zone(false)
        .build();
    // What stands before the element itself is for files.
    let qr = qr.find("<svg").map_or("", |at| &qr[at..]).to_owned();
    let path = "/admin/account/second-factor";
    Ok(EnrolmentPage {
        layout: Layout::new("Add a second factor", path, Some(request)),
        is_required: request.step == SessionStep::AddSecondFactor,
        takes_passkeys: request.app.admins.takes_passkeys(),
        qr,
        secret: in_groups(enrolment.secret.expose()),
    })
}

/// Shows what an app has to know.
pub(in crate::http::portal) async fn show_enrolment(
    request: PortalRequest<LoggingIn>,
) -> Result<Response> {
    Ok(page::show(&enrolment_page(&request).await?))
}

/// Adds the app, now that a code shows that it works.
pub(in crate::http::portal) async fn confirm(
    request: PortalRequest<LoggingIn>,
    mut form: Form,
) -> Result<Response> {
    let code = form.take("code");
    let password = form.take_password();
    let mut errors = FieldErrors::default();
    errors.require("code", code.trim());
    if request.step != SessionStep::AddSecondFactor {
        errors.require("password", password.expose());
    }
    let confirmed = async {
        errors.finish(Some(()))?;
        let (by, admins) = (&request.origin, &request.app.admins);
        admins.confirm_totp(by, &request, &code, &password).await
    };
    match confirmed.await {
        Ok(token) => Ok(see_with_token("/admin/account?done=second-factor", &token)),
        Err(error) => {
            if Admins::is_wrong_password(&error) {
                errors = FieldErrors::at("password", &error);
            } else if error.code == ErrorCode::InvalidClient {
                errors = FieldErrors::at("code", &error);
            }
            page::again_with(errors, error, enrolment_page(&request)).await
        }
    }
}

/// Four characters each, as people read them out.
fn in_groups(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    let groups = characters.chunks(4).map(|group| group.iter().collect());
    groups.collect::<Vec<String>>().join(" ")
}
