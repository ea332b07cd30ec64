//! The first page: what the service did in the last hour, and how it is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::page::{self, Layout};
use super::session::{Session, Viewer};
use crate::error::Result;
use crate::http::AppState;

#[derive(Template)]
#[template(path = "dashboard.html")]
struct DashboardPage {
    layout: Layout,
    is_ready: bool,
    database: &'static str,
    issuer: String,
    signing_alg: String,
    version: &'static str,
}

pub(super) async fn show_dashboard(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Result<Response> {
    Ok(page::show(&DashboardPage {
        layout: Layout::new("Dashboard", "/admin/", Some(&session)),
        is_ready: app.check_readiness().is_ok(),
        database: app.store().product(),
        issuer: app.keys().issuer().to_string(),
        signing_alg: app.config().keys.signing_alg.to_string(),
        version: env!("CARGO_PKG_VERSION"),
    }))
}
