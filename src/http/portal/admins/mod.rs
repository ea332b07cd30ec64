//! The admins: creating them, and changing what they may do. For owners only.

pub(in crate::http) mod questions;
pub(in crate::http) mod sessions;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{NewAdmin, NewPassword};
use crate::base::secret::Secret;
use crate::domain::{Admin, AdminName, AdminRole, AdminStatus};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Owner, Session};
use crate::http::portal::access::submission::{Shown, Submission};
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::request::path::InPath;

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
    app: &AppState,
    session: &Session<Owner>,
    name: String,
    role: AdminRole,
) -> Result<AdminsPage> {
    Ok(AdminsPage {
        layout: session.layout("Admins", PATH),
        admins: app.admins.list().await?,
        name,
        role,
    })
}

/// Shows all admins, and a form for another one.
pub(super) async fn show_admins(
    State(app): State<AppState>,
    session: Session<Owner>,
) -> Result<Response> {
    let page = admins_page(&app, &session, String::new(), AdminRole::Viewer);
    Ok(page::show(&page.await?))
}

/// Redirects to the page that shows a generated password once.
async fn see_password(
    app: &AppState,
    session: &Session<Owner>,
    name: &AdminName,
    password: &Secret<String>,
) -> Result<Response> {
    let submission = Submission::random();
    submission
        .store(app, session, &(name, password.expose()))
        .await?;
    Ok(submission.see(&format!("{PATH}/{name}/password")))
}

/// Shows a generated password, once.
pub(super) async fn show_password(
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
    Shown(made): Shown<(AdminName, String)>,
) -> Response {
    let made = made.filter(|(whose, _)| *whose == name);
    page::show(&NewPasswordPage {
        layout: session.layout("New password", PATH),
        name,
        password: made.map(|(_, password)| password),
    })
}

/// Creates an admin with a generated password.
pub(super) async fn create_admin(
    State(app): State<AppState>,
    session: Session<Owner>,
    mut form: Form,
) -> Result<Response> {
    let (name, role) = (form.take("name"), form.take("role"));
    let created = async {
        let new = NewAdmin {
            name: AdminName::parse(name.trim())?,
            role: role.parse()?,
        };
        let password = NewPassword::Made;
        app.admins.create(&session.origin, new, password).await
    };
    match created.await {
        Ok((admin, password)) => see_password(&app, &session, &admin.name, &password).await,
        Err(error) => {
            let role = role.parse().unwrap_or(AdminRole::Viewer);
            let page = admins_page(&app, &session, name, role);
            page::again_at("name", error, page).await
        }
    }
}

async fn admin_page(
    app: &AppState,
    session: &Session<Owner>,
    name: &AdminName,
) -> Result<AdminPage> {
    Ok(AdminPage {
        layout: session.layout(name.as_str(), &format!("{PATH}/{name}")),
        admin: app.admins.find(name).await?,
        is_own: session.admin.name == *name,
    })
}

/// Shows an admin, and the actions on it.
pub(super) async fn show_admin(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
) -> Result<Response> {
    Ok(page::show(&admin_page(&app, &session, &name).await?))
}

/// Sets the role of an admin.
pub(super) async fn set_role(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
    mut form: Form,
) -> Result<Response> {
    let role = form.need("role")?.parse()?;
    let done = app.admins.set_role(&session.origin, &name, role).await;
    changed(&app, &session, &name, done, "role").await
}

/// Enables or disables an admin.
pub(super) async fn set_status(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
    mut form: Form,
) -> Result<Response> {
    let status: AdminStatus = form.need("status")?.parse()?;
    let done = app.admins.set_status(&session.origin, &name, status).await;
    changed(&app, &session, &name, done, "status").await
}

/// Gives another admin another password, and removes the second factor if that is asked for. Nobody resets their own: the
/// session, which alone could show the password, would end.
pub(super) async fn reset(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
    mut form: Form,
) -> Result<Response> {
    let second_factor = form.is_ticked("second_factor");
    if session.admin.name == name {
        let error = Error::invalid_request(
            "change your own password and second factor on the page of your account",
        );
        return changed(&app, &session, &name, Err::<(), _>(error), "").await;
    }
    let (by, made) = (&session.origin, NewPassword::Made);
    let password = app.admins.reset(by, &name, made, second_factor).await?;
    see_password(&app, &session, &name, &password).await
}

/// Deletes an admin, whose name has to be typed.
pub(super) async fn delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    InPath(name): InPath<AdminName>,
    mut form: Form,
) -> Result<Response> {
    if let Err(error) = form.confirm(name.as_str()) {
        let question = questions::deletion(&app, &session, &name).await?;
        return question.again_at("typed", error).await;
    }
    let page = admin_page(&app, &session, &name);
    let done = app.admins.delete(&session.origin, &name).await;
    page::after(done, PATH, "deleted", page).await
}

async fn changed<T>(
    app: &AppState,
    session: &Session<Owner>,
    name: &AdminName,
    done: Result<T>,
    word: &str,
) -> Result<Response> {
    let path = format!("{PATH}/{name}");
    page::after(done, &path, word, admin_page(app, session, name)).await
}
