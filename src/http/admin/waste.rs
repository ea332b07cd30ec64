//! Who asks for tokens that it does not need: it should keep each until it expires.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tokio::time::timeout;

use super::chart::Grouped;
use super::clients::path_of;
use super::page::{self, Layout, When};
use super::session::{Session, Viewer};
use crate::app::WasteSpan;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::TokenWaste;
use crate::http::{AppState, COUNTING_PATIENCE, Params};

#[derive(Template)]
#[template(path = "waste.html")]
struct WastePage {
    layout: Layout,
    span: WasteSpan,
    /// When it was counted; `None`: it is being counted.
    at: Option<UnixTime>,
    rows: Vec<Row>,
}

struct Row {
    path: String,
    waste: TokenWaste,
}

/// The clients that waste most, over a day or a month.
pub(super) async fn show_waste(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let over = Params::from_query(&uri)?.take("over");
    let span = over.map_or(Ok(WasteSpan::Day), |over| over.parse())?;
    let found = timeout(COUNTING_PATIENCE, app.find_waste(span)).await;
    let found = found.ok().transpose()?;
    let wasteful = found.iter().flat_map(|found| &found.value);
    let rows = wasteful.map(|waste| Row {
        path: path_of(&waste.client_id),
        waste: waste.clone(),
    });
    Ok(page::show(&WastePage {
        layout: Layout::new("Waste", "/admin/waste", Some(&session)),
        span,
        at: found.as_ref().map(|found| found.at),
        rows: rows.collect(),
    }))
}
