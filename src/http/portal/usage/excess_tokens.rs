//! Who asks for tokens that it does not need: it should keep each until it expires.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tokio::time::timeout;

use crate::app::COUNTING_PATIENCE;
use crate::app::ExcessSpan;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::ExcessTokens;
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::clients::list::path_of;
use crate::http::portal::page;
use crate::http::portal::page::chart::Grouped;
use crate::http::portal::page::{Layout, When};
use crate::http::{AppState, Params};

#[derive(Template)]
#[template(path = "usage/excess_tokens.html")]
struct ExcessTokensPage {
    layout: Layout,
    span: ExcessSpan,
    /// When it was counted; `None`: it is being counted.
    at: Option<UnixTime>,
    rows: Vec<Row>,
}

struct Row {
    path: String,
    waste: ExcessTokens,
}

/// The clients that waste most, over a day or a month.
pub(in crate::http::portal) async fn show_waste(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let over = Params::from_query(&uri)?.take("over");
    let span = over.map_or(Ok(ExcessSpan::Day), |over| over.parse())?;
    let found = timeout(COUNTING_PATIENCE, app.usage.find_excess_tokens(span)).await;
    let found = found.ok().transpose()?;
    let wasteful = found.iter().flat_map(|found| &found.value);
    let rows = wasteful.map(|waste| Row {
        path: path_of(&waste.client_id),
        waste: waste.clone(),
    });
    Ok(page::show(&ExcessTokensPage {
        layout: Layout::new("Waste", "/admin/waste", Some(&session)),
        span,
        at: found.as_ref().map(|found| found.at),
        rows: rows.collect(),
    }))
}
