//! The admins: creating them, and changing what they may do. For owners only. What is asked before an action says what ends.

pub(in crate::http) mod sessions;

use askama::Template;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{NewAdmin, NewPassword};
use crate::base::secret::Secret;
use crate::domain::{Admin, AdminName, AdminRole, AdminStatus, span_in_words};
use crate::http::portal::access::{Form, Owner, PortalRequest, Shown, Submission};
use crate::http::portal::page::{self, Layout, Question};

const PATH: &str = "/admin/admins";

#[derive(Template)]
#[template(path = "admins/admins.html")]
struct AdminsPage {
    layout: Layout,
    admins: Vec<Admin>,
    /// As typed.
    name: String,
    role: AdminRole,
}

#[derive(Template)]
#[template(path = "admins/admin.html")]
struct AdminPage {
    layout: Layout,
    admin: Admin,
    is_own: bool,
}

#[derive(Template)]
#[template(path = "admins/admin_password.html")]
struct NewPasswordPage {
    layout: Layout,
    name: AdminName,
    /// `None`: it was shown before.
    password: Option<String>,
}

page::pages!(AdminsPage, AdminPage);

async fn admins_page(
    request: &PortalRequest<Owner>,
    name: String,
    role: AdminRole,
) -> Result<AdminsPage> {
    Ok(AdminsPage {
        layout: request.layout("Admins", PATH),
        admins: request.app.admins.list().await?,
        name,
        role,
    })
}

/// Shows all admins, and a form for another one.
pub(super) async fn show_admins(request: PortalRequest<Owner>) -> Result<Response> {
    let page = admins_page(&request, String::new(), AdminRole::Viewer);
    Ok(page::show(&page.await?))
}

/// Redirects to the page that shows a generated password once.
async fn see_password<T>(
    request: &PortalRequest<Owner, T>,
    name: &AdminName,
    password: &Secret<String>,
) -> Result<Response> {
    let (made, path) = ((name, password.expose()), format!("{PATH}/{name}/password"));
    Submission::show_once(request, &made, &path).await
}

/// Shows a generated password, once.
pub(super) async fn show_password(
    request: PortalRequest<Owner, AdminName>,
    Shown(made): Shown<(AdminName, String)>,
) -> Response {
    let made = made.filter(|(whose, _)| *whose == request.target);
    page::show(&NewPasswordPage {
        layout: request.layout("New password", PATH),
        name: request.target,
        password: made.map(|(_, password)| password),
    })
}

/// Creates an admin with a generated password.
pub(super) async fn create_admin(
    request: PortalRequest<Owner>,
    mut form: Form,
) -> Result<Response> {
    let (name, role) = (form.take("name"), form.take("role"));
    let created = async {
        let new = NewAdmin {
            name: AdminName::parse(name.trim())?,
            role: role.parse()?,
        };
        let (by, password) = (&request.origin, NewPassword::Made);
        request.app.admins.create(by, new, password).await
    };
    match created.await {
        Ok((admin, password)) => see_password(&request, &admin.name, &password).await,
        Err(error) => {
            let role = role.parse().unwrap_or(AdminRole::Viewer);
            page::again_at("name", error, admins_page(&request, name, role)).await
        }
    }
}

/// The page of the admin with this name.
fn path_of_admin(name: &AdminName) -> String {
    format!("{PATH}/{name}")
}

async fn admin_page(request: &PortalRequest<Owner, AdminName>) -> Result<AdminPage> {
    let name = &request.target;
    Ok(AdminPage {
        layout: request.layout(name.as_str(), &path_of_admin(name)),
        admin: request.app.admins.find(name).await?,
        is_own: request.admin.name == *name,
    })
}

pub(super) async fn show_admin(request: PortalRequest<Owner, AdminName>) -> Result<Response> {
    Ok(page::show(&admin_page(&request).await?))
}

pub(super) async fn set_role(
    request: PortalRequest<Owner, AdminName>,
    mut form: Form,
) -> Result<Response> {
    let (by, name) = (&request.origin, &request.target);
    let role = form.need("role")?.parse()?;
    let done = request.app.admins.set_role(by, name, role).await;
    page::after(done, &path_of_admin(name), "role", admin_page(&request)).await
}

/// When the admin was here last.
async fn presence(request: &PortalRequest<Owner, AdminName>, admin: &Admin) -> Result<String> {
    let now = request.app.clock().now();
    let sessions = request.app.admins.list_sessions(Some(&admin.name)).await?;
    let last = match (sessions.first(), admin.last_log_in_at) {
        (Some(session), _) => {
            let ago = span_in_words(now.since(session.seen_at));
            format!("active {ago} ago from {}", session.source)
        }
        (None, Some(at)) => format!("last login {} ago", span_in_words(now.since(at))),
        (None, None) => "never logged in".to_owned(),
    };
    let count = sessions.len();
    let plural = if count == 1 { "" } else { "s" };
    Ok(format!(
        "{} has {count} active session{plural}, {last}.",
        admin.name
    ))
}

async fn question(
    request: &PortalRequest<Owner, AdminName>,
    asked: &str,
    verb: &'static str,
    action: &str,
) -> Result<Question> {
    let name = &request.target;
    let admin = request.app.admins.find(name).await?;
    let asked = format!("{asked} {name}?");
    let own = "This is your own account: you are logged out.".to_owned();
    Ok(
        Question::new(request, asked, verb, &path_of_admin(name), action)
            .fact(presence(request, &admin).await?)
            .facts((request.admin.name == *name).then_some(own)),
    )
}

pub(super) async fn ask_disable(request: PortalRequest<Owner, AdminName>) -> Result<Question> {
    let question = question(&request, "Disable", "Disable admin", "status").await?;
    let fact = "All sessions end at once, and logins are refused until an owner enables the admin.";
    Ok(question.field("status", "disabled").fact(fact))
}

/// Enables or disables an admin.
pub(super) async fn set_status(
    request: PortalRequest<Owner, AdminName>,
    mut form: Form,
) -> Result<Response> {
    let (by, name) = (&request.origin, &request.target);
    let status: AdminStatus = form.need("status")?.parse()?;
    let done = request.app.admins.set_status(by, name, status).await;
    page::after(done, &path_of_admin(name), "status", admin_page(&request)).await
}

pub(super) async fn ask_reset(request: PortalRequest<Owner, AdminName>) -> Result<Question> {
    let asked = "Reset the password of";
    Ok(question(&request, asked, "Reset password", "reset")
        .await?
        .fact("All sessions end at once. The server generates another password and shows it to you once; the admin must change it at the next login.")
        .tick("second_factor", "Also remove the second factor"))
}

/// Gives another admin another password, and removes the second factor if that is asked for. Nobody resets their own: the
/// session, which alone could show the password, would end.
pub(super) async fn reset(
    request: PortalRequest<Owner, AdminName>,
    mut form: Form,
) -> Result<Response> {
    let second_factor = form.is_ticked("second_factor");
    let (by, name) = (&request.origin, &request.target);
    if request.admin.name == *name {
        let error = Error::invalid_request(
            "change your own password and second factor on the page of your account",
        );
        return page::again(error, admin_page(&request)).await;
    }
    let (admins, made) = (&request.app.admins, NewPassword::Made);
    let password = admins.reset(by, name, made, second_factor).await?;
    see_password(&request, name, &password).await
}

pub(super) async fn ask_delete(request: PortalRequest<Owner, AdminName>) -> Result<Question> {
    Ok(question(&request, "Delete", "Delete admin", "delete")
        .await?
        .fact("All sessions end at once, and nobody can undo this. The audit trail keeps what the admin did.")
        .typed("Type the name of the admin to confirm"))
}

/// Deletes an admin, whose name has to be typed.
pub(super) async fn delete(
    request: PortalRequest<Owner, AdminName>,
    mut form: Form,
) -> Result<Response> {
    let (by, name) = (&request.origin, &request.target);
    if let Err(error) = form.confirm(name.as_str()) {
        return ask_delete(request).await?.again_at("typed", error).await;
    }
    let done = request.app.admins.delete(by, name).await;
    page::after(done, PATH, "deleted", admin_page(&request)).await
}
