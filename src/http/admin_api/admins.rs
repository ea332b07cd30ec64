//! `/admins` and `/sessions`: who may use the portal, and who does. Only to look at: a program that could change admins
//! could make itself one.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::Result;
use crate::domain::{Admin, AdminSession};
use crate::http::{AppState, response};

/// Every admin, by name.
#[derive(Serialize, ToSchema)]
struct Admins<'a> {
    admins: &'a [Admin],
}

/// The sessions that have not ended, the last used first.
#[derive(Serialize, ToSchema)]
struct Sessions<'a> {
    sessions: &'a [AdminSession],
}

/// Lists the people who may use the portal.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the list", body = Admins),
))]
pub(super) async fn list_admins(State(app): State<AppState>) -> Result<Response> {
    let admins = &app.admins.list().await?;
    Ok(response::ok(&Admins { admins }))
}

/// Lists the sessions in the portal.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the list", body = Sessions),
))]
pub(super) async fn list_sessions(State(app): State<AppState>) -> Result<Response> {
    let sessions = &app.admins.list_sessions(None).await?;
    Ok(response::ok(&Sessions { sessions }))
}
