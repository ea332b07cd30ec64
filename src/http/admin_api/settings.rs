//! `/settings`: what the replica that answers runs under; of secrets only whether they are set.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Setting;
use crate::http::{AppState, response};

/// Every setting.
#[derive(Serialize, ToSchema)]
struct Settings<'a> {
    settings: &'a [Setting],
}

/// Shows the settings of this replica.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the list", body = Settings),
))]
pub(super) async fn list_settings(State(app): State<AppState>) -> Response {
    let settings = &app.config().settings.0;
    response::ok(&Settings { settings })
}
