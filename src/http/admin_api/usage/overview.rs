//! `/overview`: how the service is, as the portal's first page shows it.

use axum::extract::State;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{COUNTING_PATIENCE, Overview};
use crate::http::{AppState, response};

/// Shows usage, secrets and keys that expire soon, the busiest clients, and the replicas.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the state of the service", body = Overview),
))]
pub(in crate::http::admin_api) async fn show_overview(
    State(app): State<AppState>,
) -> Result<Response> {
    let overview = app.overview(COUNTING_PATIENCE).await?;
    Ok(response::ok(&overview))
}
