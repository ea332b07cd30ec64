//! A token: its header and claims, whether it is active and why, and its revocation.

pub(in crate::http) mod explain;
mod fix;
mod verifying;

use std::future::ready;

use askama::Template;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::app::TokenInspection;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, ErrorCode};
use crate::http::portal::access::{Form, Operator, PortalRequest, Viewer};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page::{self, Exactly, Layout, Question};
use crate::http::portal::secrets::snippets::Snippet;
use crate::http::portal::secrets::trust_in_development;

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

fn tokens_page<R>(request: &PortalRequest<R>, token: &str) -> TokensPage {
    let (app, config) = (&request.app, request.app.config());
    let issuer = app.keys.current().issuer().to_string();
    let audience = config.token.audience.to_string();
    let mut programs = verifying::programs(&issuer, &audience, config.keys.signing_alg);
    programs.extend(trust_in_development(app));
    TokensPage {
        layout: request.layout("Token inspector", PATH),
        can_revoke: request.permits(AdminRole::Operator),
        token: token.trim().to_owned(),
        inspection: None,
        programs,
    }
}

pub(super) async fn show_tokens(request: PortalRequest<Viewer>) -> Response {
    page::show(&tokens_page(&request, ""))
}

/// Shows the header and the claims of a token, and whether it is active.
pub(super) async fn inspect(request: PortalRequest<Viewer>, mut form: Form) -> Result<Response> {
    let mut page = tokens_page(&request, &form.take("token"));
    match request.app.tokens.inspect(&page.token).await {
        Ok(inspection) => {
            page.inspection = Some(inspection);
            Ok(page::show(&page))
        }
        Err(error) => refused(page, error).await,
    }
}

/// Asks before a token is revoked, and revokes it. A token stands in no link, so that the question is by POST too.
pub(super) async fn revoke(request: PortalRequest<Operator>, mut form: Form) -> Result<Response> {
    let page = tokens_page(&request, &form.need("token")?);
    if !form.is_ticked("confirmed") {
        let (asked, verb) = ("Revoke this token?", "Revoke token");
        return Ok(Question::new(&request, asked, verb, PATH, "revoke")
            .field("token", &page.token)
            .field("confirmed", "yes")
            .fact("Every service refuses it from now on. Its client can get another one at once.")
            .into_response());
    }
    let (by, tokens) = (&request.origin, &request.app.tokens);
    match tokens.revoke(by, &page.token).await {
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
