//! `/healthz`: the process is alive. `/readyz`: it can serve clients, and whether it has its database.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::Error;
use crate::http::openapi::{HealthErrors, ReadinessErrors};
use crate::http::{AppState, response};

#[derive(Serialize, ToSchema)]
struct Health {
    status: &'static str,
}

/// Whether the process is alive.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "the process is alive", body = Health),
    HealthErrors,
))]
pub(in crate::http) async fn show_health() -> Response {
    response::json(StatusCode::OK, &Health { status: "ok" })
}

/// Whether it can serve clients.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (
        status = 200,
        description = "`ready`; or `degraded: ` and the problem of the database: the server still serves clients in \
            memory, verifies tokens, and does what the database allows",
        body = Health,
    ),
    ReadinessErrors,
))]
pub(in crate::http) async fn show_readiness(
    State(app): State<AppState>,
) -> Result<Response, Error> {
    let status = app.replication.check_readiness().await?.as_str();
    Ok(response::json(StatusCode::OK, &Health { status }))
}
