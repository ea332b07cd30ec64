//! `/admins` and `/sessions`: who may use the portal, and who does. Only to look at: a program that could change admins
//! could make itself one.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::Result;
use crate::domain::{Admin, AdminSession};
use crate::http::openapi::AdminListErrors;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::{AppState, response};

/// Every admin, by name.
#[derive(Serialize, ToSchema)]
struct Admins<'a> {
    #[schema(value_type = Vec<AdminAnswer>)]
    admins: &'a [Admin],
}

/// An admin, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = Admin)]
struct AdminAnswer {
    name: String,
    /// `viewer`, `operator` or `owner`
    role: String,
    /// `enabled` or `disabled`
    status: String,
    /// Whether somebody else knows the password, so that it has to be changed at the next login
    must_change_password: bool,
    /// Whether a code of an authenticator app is a second factor
    has_totp: bool,
    /// How many passkeys there are, any of which will do in the place of a code
    passkeys: u32,
    created_at: i64,
    updated_at: i64,
    last_log_in_at: Option<i64>,
}

/// The sessions that have not ended, the last used first.
#[derive(Serialize, ToSchema)]
struct Sessions<'a> {
    #[schema(value_type = Vec<SessionAnswer>)]
    sessions: &'a [AdminSession],
}

/// A session, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminSession)]
struct SessionAnswer {
    session_id: String,
    /// Whose it is
    name: String,
    /// Whether a second factor was proved in it
    second_factor: bool,
    created_at: i64,
    /// When it was last used, to the minute
    seen_at: i64,
    /// When it ends at the latest
    expires_at: i64,
    /// From which address it began
    source: String,
    /// With which program, as that says of itself
    user_agent: String,
}

/// Lists the people who may use the portal.
#[utoipa::path(get, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "all of them", body = Admins, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(super) async fn list_admins(State(app): State<AppState>) -> Result<Response> {
    let admins = &app.admins.list().await?;
    Ok(response::json(StatusCode::OK, &Admins { admins }))
}

/// Lists the sessions in the portal.
#[utoipa::path(get, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "all of them", body = Sessions, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(super) async fn list_sessions(State(app): State<AppState>) -> Result<Response> {
    let sessions = &app.admins.list_sessions(None).await?;
    Ok(response::json(StatusCode::OK, &Sessions { sessions }))
}
