//! A token: its header and claims, whether it is active and why, and its revocation.

pub(in crate::http) mod explain;
pub(in crate::http) mod explain_exchange;

use std::future::ready;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::TokenInspection;
use crate::app::error::{Error, Result};
use crate::domain::{AdminRole, ErrorCode};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session, Viewer};
use crate::http::portal::links::path_of;
use crate::http::portal::page;
use crate::http::portal::page::Layout;

const PATH: &str = "/admin/tokens";

#[derive(Template)]
#[template(path = "tokens/tokens.html")]
struct TokensPage {
    layout: Layout,
    can_revoke: bool,
    token: String,
    inspection: Option<TokenInspection>,
}

page::pages!(TokensPage);

fn tokens_page<R>(session: &Session<R>, token: &str) -> TokensPage {
    TokensPage {
        layout: session.layout("Tokens", PATH),
        can_revoke: session.permits(AdminRole::Operator),
        token: token.trim().to_owned(),
        inspection: None,
    }
}

/// Shows a form for a token.
pub(super) async fn show_tokens(session: Session<Viewer>) -> Response {
    page::show(&tokens_page(&session, ""))
}

/// Shows the header and the claims of a token, and whether it is active.
pub(super) async fn inspect(
    State(app): State<AppState>,
    session: Session<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let mut page = tokens_page(&session, &form.take("token"));
    match app.tokens.inspect(&page.token).await {
        Ok(inspection) => {
            page.inspection = Some(inspection);
            Ok(page::show(&page))
        }
        Err(error) => refused(page, error).await,
    }
}

/// Revokes a token.
pub(super) async fn revoke(
    State(app): State<AppState>,
    session: Session<Operator>,
    mut form: Form,
) -> Result<Response> {
    let mut page = tokens_page(&session, &form.need("token")?);
    let revoked = app.tokens.revoke(&session.origin, &page.token).await;
    if let Err(error) = revoked {
        return refused(page, error).await;
    }
    page.layout.done = Some("Token revoked.");
    page.inspection = Some(app.tokens.inspect(&page.token).await?);
    Ok(page::show(&page))
}

/// An inactive token is the mistake of the form, not of the session.
async fn refused(page: TokensPage, error: Error) -> Result<Response> {
    let error = if error.code == ErrorCode::InvalidToken {
        Error::invalid_request(error.description)
    } else {
        error
    };
    page::again(error, ready(Ok(page))).await
}
