//! Why: which token a client would get, or why none; and why a request was refused.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::app::TokenExplanation;
use crate::app::error::{Error, Result};
use crate::domain::{ClientId, ErrorCode, RejectedRequest};
use crate::http::portal::access::form::filled_in;
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::clients::list::path_of;
use crate::http::portal::page;
use crate::http::portal::page::{Layout, When};
use crate::http::{AppState, Params};

pub(in crate::http::portal) const PATH: &str = "/admin/explain";

#[derive(Template)]
#[template(path = "tokens/explain.html")]
struct ExplainPage {
    layout: Layout,
    error: Option<String>,
    client_id: String,
    scope: String,
    audience: String,
    request_id: String,
    explained: Option<TokenExplanation>,
    refusals: Vec<Refused>,
}

/// A refused request, and where the page of its client is.
pub(in crate::http::portal) struct Refused {
    pub(in crate::http::portal) it: RejectedRequest,
    pub(in crate::http::portal) path: Option<String>,
}

impl From<RejectedRequest> for Refused {
    fn from(it: RejectedRequest) -> Self {
        let id = it.client_id.as_deref().map(ClientId::parse);
        Self {
            path: id.and_then(Result::ok).as_ref().map(path_of),
            it,
        }
    }
}

/// Two questions, and the answer to one of them if it was asked.
pub(in crate::http::portal) async fn show_explanation(
    State(app): State<AppState>,
    session: Session<Viewer>,
    uri: Uri,
) -> Result<Response> {
    let mut query = Params::from_query(&uri)?;
    let mut take = |name| query.take(name).unwrap_or_default().trim().to_owned();
    let mut page = ExplainPage {
        layout: Layout::new("Explain", PATH, Some(&session)),
        error: None,
        client_id: take("client_id"),
        scope: take("scope"),
        audience: take("audience"),
        request_id: take("request_id"),
        explained: None,
        refusals: Vec::new(),
    };
    match answer(&app, &mut page).await {
        Ok(()) => Ok(page::show(&page)),
        Err(error) if error.code == ErrorCode::NotFound => {
            page.error = Some(page::sentence(&error));
            Ok(page::show_again(&page, error))
        }
        Err(error) => Err(error),
    }
}

async fn answer(app: &AppState, page: &mut ExplainPage) -> Result<(), Error> {
    if !page.request_id.is_empty() {
        let found = app.audit.explain_request(&page.request_id).await?;
        page.refusals = found.into_iter().map(Refused::from).collect();
    } else if !page.client_id.is_empty() {
        let (scope, audience) = (filled_in(&page.scope), filled_in(&page.audience));
        let explained = app.tokens.explain(&page.client_id, scope, audience);
        let mut explained = explained.await?;
        let refusals = std::mem::take(&mut explained.refusals);
        page.refusals = refusals.into_iter().map(Refused::from).collect();
        page.explained = Some(explained);
    }
    Ok(())
}
