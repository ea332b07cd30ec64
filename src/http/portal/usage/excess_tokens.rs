//! The clients with the most excess tokens: they ask for new tokens before the old ones expire.

use askama::Template;
use axum::response::Response;
use tokio::time::timeout;

use crate::app::error::Result;
use crate::app::{COUNTING_PATIENCE, ExcessSpan};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, ExcessTokens};
use crate::http::portal::access::{PortalRequest, Viewer};
use crate::http::portal::links::path_of;
use crate::http::portal::page::{self, Grouped, Layout};

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
    mut request: PortalRequest<Viewer>,
) -> Result<Response> {
    let over = request.query.take("over");
    let span = over.map_or(Ok(ExcessSpan::Day), |over| over.parse())?;
    let found = request.app.usage.find_excess_tokens(span);
    let found = timeout(COUNTING_PATIENCE, found).await;
    let found = found.ok().transpose()?;
    Ok(page::show(&ExcessTokensPage {
        layout: request.layout("Excess tokens", "/admin/excess-tokens"),
        can_change: request.permits(AdminRole::Operator),
        span,
        counted_at: found.as_ref().map(|found| found.at),
        clients: found.as_ref().map_or(&[], |found| &found.value),
    }))
}
