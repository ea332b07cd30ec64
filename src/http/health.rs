//! `/healthz`: the process is alive. `/readyz`: it can serve, database and all.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::{AppState, answer};
use crate::error::Error;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

pub(super) async fn show_health() -> Response {
    answer::json(StatusCode::OK, &Health { status: "ok" })
}

pub(super) async fn show_readiness(State(app): State<AppState>) -> Result<Response, Error> {
    app.check_readiness().await?;
    Ok(answer::json(StatusCode::OK, &Health { status: "ready" }))
}
