//! The token that a client would get, or why it would get none; and why a request was rejected.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::app::TokenExplanation;
use crate::app::error::{Error, Result};
use crate::domain::{ErrorCode, RejectedRequest};
use crate::http::portal::access::form::filled_in;
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::links::{EXPLAIN, encoded, path_of};
use crate::http::portal::page;
use crate::http::portal::page::field_errors::FieldErrors;
use crate::http::portal::page::{Exactly, Layout};
use crate::http::portal::tokens::fix::Fix;
use crate::http::{AppState, Params};

#[derive(Template)]
#[template(path = "tokens/explain.html")]
struct ExplainPage {
    layout: Layout,
    client_id: String,
    scope: String,
    audience: String,
    request_id: String,
    explained: Option<TokenExplanation>,
    rejected: Vec<RejectedRequest>,
}

/// Rejected requests that are shown without any question.
const RECENT: u32 = 50;

page::pages!(ExplainPage);

/// Shows two forms, and the answer to the one that was sent; to none, what was rejected last.
pub(in crate::http::portal) async fn show_explanation(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let mut query = Params::from_query(&uri)?;
    let mut take = |name| query.take(name).unwrap_or_default().trim().to_owned();
    let mut page = ExplainPage {
        layout: session.layout("Troubleshoot", EXPLAIN),
        client_id: take("client_id"),
        scope: take("scope"),
        audience: take("audience"),
        request_id: take("request_id"),
        explained: None,
        rejected: Vec::new(),
    };
    match answer(&app, &mut page).await {
        Ok(()) => Ok(page::show(&page)),
        Err(error) if error.code == ErrorCode::NotFound => {
            page.layout.errors = FieldErrors::at("request_id", &error);
            Ok(page::show_with_error(&page, error))
        }
        Err(error) => Err(error),
    }
}

async fn answer(app: &AppState, page: &mut ExplainPage) -> Result<(), Error> {
    if !page.request_id.is_empty() {
        page.rejected = app.audit.explain_request(&page.request_id).await?;
    } else if !page.client_id.is_empty() {
        let (scope, audience) = (filled_in(&page.scope), filled_in(&page.audience));
        let explained = app.tokens.explain(&page.client_id, scope, audience);
        let mut explained = explained.await?;
        page.rejected = std::mem::take(&mut explained.refusals);
        page.explained = Some(explained);
    } else {
        page.rejected = app.audit.list_recent_rejected_requests(RECENT).await?;
    }
    Ok(())
}
