//! The clients with the most excess tokens: they ask for new tokens before the old ones expire.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tokio::time::timeout;

use crate::app::COUNTING_PATIENCE;
use crate::app::ExcessSpan;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, ExcessTokens};
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::links::path_of;
use crate::http::portal::page;
use crate::http::portal::page::Layout;
use crate::http::portal::page::chart::Grouped;
use crate::http::{AppState, Params};

#[derive(Template)]
#[template(path = "usage/excess_tokens.html")]
struct ExcessTokensPage<'a> {
    layout: Layout,
    span: ExcessSpan,
    /// `None`: the server is still counting.
    counted_at: Option<UnixTime>,
    clients: &'a [ExcessTokens],
    can_change: bool,
}

/// Shows the excess tokens of a day or a month.
pub(in crate::http::portal) async fn show_excess_tokens(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let over = Params::from_query(&uri)?.take("over");
    let span = over.map_or(Ok(ExcessSpan::Day), |over| over.parse())?;
    let found = timeout(COUNTING_PATIENCE, app.usage.find_excess_tokens(span)).await;
    let found = found.ok().transpose()?;
    Ok(page::show(&ExcessTokensPage {
        layout: session.layout("Excess tokens", "/admin/excess-tokens"),
        can_change: session.permits(AdminRole::Operator),
        span,
        counted_at: found.as_ref().map(|found| found.at),
        clients: found.as_ref().map_or(&[], |found| &found.value),
    }))
}
