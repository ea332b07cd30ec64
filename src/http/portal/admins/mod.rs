//! The admins: making them, and changing what they may do. For owners only.

pub(in crate::http) mod sessions;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{NewAdmin, NewPassword};
use crate::domain::{Admin, AdminName, AdminRole, AdminStatus};
use crate::http::portal::access::form::Form;
use crate::http::portal::access::guard::see;
use crate::http::portal::access::session::{Owner, Session};
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::{AppState, Params};

const PATH: &str = "/admin/admins";

const DONE: &[(&str, &str)] = &[
    (
        "role",
        "The role is changed. The admin has to log in again.",
    ),
    (
        "status",
        "The status is changed. The admin's sessions have ended.",
    ),
    ("deleted", "The admin is removed."),
];

#[derive(Template)]
#[template(path = "admins/admins.html")]
struct AdminsPage {
    layout: Layout,
    error: Option<String>,
    admins: Vec<Admin>,
    /// What was typed.
    name: String,
    role: &'static str,
}

/// Everybody, and a form for one more.
pub(super) async fn show_admins(
    State(app): State<AppState>,
    session: Session<Owner>,
    uri: Uri,
) -> Result<Response> {
    let layout = Layout::new("Admins", PATH, Some(&session));
    Ok(page::show(&AdminsPage {
        layout: layout.with_done(done_in(&uri)?.as_deref(), DONE),
        error: None,
        admins: app.admins.list().await?,
        name: String::new(),
        role: AdminRole::Viewer.as_str(),
    }))
}

#[derive(Template)]
#[template(path = "admins/admin_password.html")]
struct PasswordMadePage {
    layout: Layout,
    name: AdminName,
    password: String,
}

fn password_made(session: &Session<Owner>, name: AdminName, password: String) -> Response {
    page::show(&PasswordMadePage {
        layout: Layout::new("A new password", PATH, Some(session)),
        name,
        password,
    })
}

/// Makes an admin, and shows the password once.
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
        app.admins
            .create(&session.origin, new, NewPassword::Made)
            .await
    };
    match created.await {
        Ok((admin, password)) => Ok(password_made(
            &session,
            admin.name,
            password.expose().clone(),
        )),
        Err(error) => {
            let error = page::mendable(error)?;
            let role: AdminRole = role.parse().unwrap_or(AdminRole::Viewer);
            let form = AdminsPage {
                layout: Layout::new("Admins", PATH, Some(&session)),
                error: Some(page::sentence(&error)),
                admins: app.admins.list().await?,
                name,
                role: role.as_str(),
            };
            Ok(page::show_again(&form, error))
        }
    }
}

#[derive(Template)]
#[template(path = "admins/admin.html")]
struct AdminPage {
    layout: Layout,
    error: Option<String>,
    admin: Admin,
    is_own: bool,
}

async fn admin_page(
    app: &AppState,
    session: &Session<Owner>,
    name: &AdminName,
    error: Option<String>,
) -> Result<AdminPage> {
    let path = format!("{PATH}/{name}");
    Ok(AdminPage {
        layout: Layout::new(name.as_str(), &path, Some(session)),
        error,
        admin: app.admins.find(name).await?,
        is_own: session.admin.name == *name,
    })
}

/// One of them, and what can be done.
pub(super) async fn show_admin(
    State(app): State<AppState>,
    session: Session<Owner>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response> {
    let name = AdminName::parse(&name)?;
    let mut page = admin_page(&app, &session, &name, None).await?;
    page.layout = page.layout.with_done(done_in(&uri)?.as_deref(), DONE);
    Ok(page::show(&page))
}

/// Gives an admin another role.
pub(super) async fn set_role(
    State(app): State<AppState>,
    session: Session<Owner>,
    Path(name): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let name = AdminName::parse(&name)?;
    let role = form.need("role")?.parse()?;
    let done = app.admins.set_role(&session.origin, &name, role).await;
    changed(&app, &session, &name, done, "role").await
}

/// Lets an admin log in, or no more.
pub(super) async fn set_status(
    State(app): State<AppState>,
    session: Session<Owner>,
    Path(name): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let name = AdminName::parse(&name)?;
    let status: AdminStatus = form.need("status")?.parse()?;
    let done = app.admins.set_status(&session.origin, &name, status).await;
    changed(&app, &session, &name, done, "status").await
}

/// Gives an admin another password, shown once, and takes the second factor away if that is wanted.
pub(super) async fn reset(
    State(app): State<AppState>,
    session: Session<Owner>,
    Path(name): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let name = AdminName::parse(&name)?;
    let second_factor = form.is_ticked("second_factor");
    let password = app
        .admins
        .reset(&session.origin, &name, NewPassword::Made, second_factor)
        .await?;
    Ok(password_made(&session, name, password.expose().clone()))
}

/// Removes an admin, whose name has to be typed.
pub(super) async fn delete(
    State(app): State<AppState>,
    session: Session<Owner>,
    Path(name): Path<String>,
    mut form: Form,
) -> Result<Response> {
    let name = AdminName::parse(&name)?;
    let typed = form.take("typed");
    let done = if typed.trim() == name.as_str() {
        app.admins.delete(&session.origin, &name).await
    } else {
        Err(Error::invalid_request(
            "the name that was typed is another one",
        ))
    };
    match done {
        Ok(()) => Ok(see("/admin/admins?done=deleted")),
        refused => changed(&app, &session, &name, refused, "").await,
    }
}

async fn changed(
    app: &AppState,
    session: &Session<Owner>,
    name: &AdminName,
    done: Result<()>,
    word: &str,
) -> Result<Response> {
    let Err(error) = done else {
        return Ok(see(&format!("{PATH}/{name}?done={word}")));
    };
    let error = page::mendable(error)?;
    let told = Some(page::sentence(&error));
    let page = admin_page(app, session, name, told).await?;
    Ok(page::show_again(&page, error))
}

fn done_in(uri: &Uri) -> Result<Option<String>> {
    let query = uri.query().unwrap_or_default();
    Ok(Params::from_form(query.as_bytes())?.take("done"))
}
