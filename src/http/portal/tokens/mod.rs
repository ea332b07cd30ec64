//! A token: its header and claims, whether it is active and why, and its revocation.

pub(in crate::http) mod explain;
pub(in crate::http) mod explain_assertion;
pub(in crate::http) mod explain_exchange;
mod fix;
mod verifying;

use std::future::ready;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::app::TokenInspection;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, ErrorCode};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session, Viewer};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page;
use crate::http::portal::page::question::Question;
use crate::http::portal::page::{Exactly, Layout};
use crate::http::portal::secrets::development_ca;
use crate::http::portal::secrets::snippets::{Snippet, trust};

const PATH: &str = "/admin/tokens";

#[derive(Template)]
#[template(path = "tokens/tokens.html")]
struct TokensPage {
    layout: Layout,
    can_revoke: bool,
    token: String,
    inspection: Option<TokenInspection>,
    programs: Vec<Snippet>,
}

page::pages!(TokensPage);

impl TokensPage {
    /// The times among the claims, with a label each.
    fn times(&self) -> Vec<(&'static str, UnixTime)> {
        let claims = self.inspection.iter().map(|it| &it.claims);
        let labels = [("Issued", "iat"), ("Not before", "nbf"), ("Expires", "exp")];
        let time = |claims: &Value, name: &str| claims[name].as_i64().map(UnixTime);
        let of = |claims| labels.map(|(label, name)| Some((label, time(claims, name)?)));
        claims.flat_map(of).flatten().collect()
    }
}

fn tokens_page<R>(app: &AppState, session: &Session<R>, token: &str) -> TokensPage {
    let (issuer, config) = (app.keys.current().issuer().to_string(), app.config());
    let audience = config.token.audience.to_string();
    let mut programs = verifying::programs(&issuer, &audience, config.keys.signing_alg);
    programs.extend(development_ca(app).map(|ca| trust(&ca)));
    TokensPage {
        layout: session.layout("Token inspector", PATH),
        can_revoke: session.permits(AdminRole::Operator),
        token: token.trim().to_owned(),
        inspection: None,
        programs,
    }
}

/// Shows a form for a token.
pub(super) async fn show_tokens(State(app): State<AppState>, session: Session<Viewer>) -> Response {
    page::show(&tokens_page(&app, &session, ""))
}

/// Shows the header and the claims of a token, and whether it is active.
pub(super) async fn inspect(
    State(app): State<AppState>,
    session: Session<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let mut page = tokens_page(&app, &session, &form.take("token"));
    match app.tokens.inspect(&page.token).await {
        Ok(inspection) => {
            page.inspection = Some(inspection);
            Ok(page::show(&page))
        }
        Err(error) => refused(page, error).await,
    }
}

/// Asks before a token is revoked, and revokes it. A token stands in no link, so that the question is by POST too.
pub(super) async fn revoke(
    State(app): State<AppState>,
    session: Session<Operator>,
    mut form: Form,
) -> Result<Response> {
    let page = tokens_page(&app, &session, &form.need("token")?);
    if !form.is_ticked("confirmed") {
        let layout = session.layout("Revoke this token?", PATH);
        let question = Question::new(layout, "Revoke token", "/admin/tokens/revoke", PATH);
        let question = question
            .field("token", &page.token)
            .field("confirmed", "yes");
        return Ok(question
            .fact("Every service refuses it from now on. Its client can get another one at once.")
            .show());
    }
    match app.tokens.revoke(&session.origin, &page.token).await {
        Ok(_) => Ok(see_done(PATH, "revoked")),
        Err(error) => refused(page, error).await,
    }
}

/// An inactive token is the mistake of the form, not of the session.
async fn refused(page: TokensPage, error: Error) -> Result<Response> {
    let is_of_token = matches!(
        error.code,
        ErrorCode::InvalidToken | ErrorCode::InvalidRequest
    );
    if is_of_token {
        let error = Error::invalid_request(error.description);
        page::again_at("token", error, ready(Ok(page))).await
    } else {
        page::again(error, ready(Ok(page))).await
    }
}
