//! `/settings`: what the replica that answers runs under; of secrets only whether they are set.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Setting;
use crate::http::openapi::AdminListErrors;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::{AppState, response};

/// Every setting.
#[derive(Serialize, ToSchema)]
struct Settings<'a> {
    #[schema(value_type = Vec<SettingAnswer>)]
    settings: &'a [Setting],
}

/// A setting, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = Setting)]
struct SettingAnswer {
    /// The variable
    name: String,
    /// What is in force; of a secret nothing
    value: String,
    is_secret: bool,
    /// Whether it was set; else the value is the default
    is_set: bool,
}

/// Shows the settings of the replica that answers.
#[utoipa::path(get, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "all of them", body = Settings, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(super) async fn list_settings(State(app): State<AppState>) -> Response {
    let settings = &app.config().settings.0;
    response::json(StatusCode::OK, &Settings { settings })
}
