//! `/healthz`: the process is alive. `/readyz`: it can serve, database and all.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::{AnyErrors, ReadinessErrors};
use super::{AppState, answer};
use crate::error::Error;

#[derive(Serialize, ToSchema)]
struct Health {
    status: &'static str,
}

/// Whether the process is alive.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "it is", body = Health, headers(("cache-control" = String))),
    AnyErrors,
))]
pub(super) async fn show_health() -> Response {
    answer::json(StatusCode::OK, &Health { status: "ok" })
}

/// Whether it can serve, database and all.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "it can", body = Health, headers(("cache-control" = String))),
    ReadinessErrors,
))]
pub(super) async fn show_readiness(State(app): State<AppState>) -> Result<Response, Error> {
    app.check_readiness().await?;
    Ok(answer::json(StatusCode::OK, &Health { status: "ready" }))
}
