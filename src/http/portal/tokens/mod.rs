//! A token: what it says, whether it is good and why, and its end.

pub(in crate::http) mod explain;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::TokenInspection;
use crate::app::error::{Error, Result};
use crate::domain::{AdminRole, ClientId, ErrorCode};
use crate::http::AppState;
use crate::http::portal::access::form::Form;
use crate::http::portal::access::session::{Operator, Session, Viewer};
use crate::http::portal::clients::list::path_of;
use crate::http::portal::page;
use crate::http::portal::page::Layout;

const PATH: &str = "/admin/tokens";

#[derive(Template)]
#[template(path = "tokens/tokens.html")]
struct TokensPage {
    layout: Layout,
    error: Option<String>,
    can_revoke: bool,
    token: String,
    inspection: Option<Shown>,
}

/// A token, taken apart.
struct Shown {
    good: bool,
    word: &'static str,
    kind: &'static str,
    verdict: String,
    header: String,
    claims: String,
    /// The client that it names.
    client: Option<ClientId>,
    path: String,
    is_bound: bool,
}

impl From<TokenInspection> for Shown {
    fn from(inspection: TokenInspection) -> Self {
        let named = inspection.claims["client_id"].as_str();
        let id = named.and_then(|id| ClientId::parse(id).ok());
        let (word, kind) = if inspection.good {
            ("good", "good")
        } else {
            ("no good", "bad")
        };
        Self {
            good: inspection.good,
            word,
            kind,
            verdict: inspection.verdict,
            header: format!("{:#}", inspection.header),
            path: id.as_ref().map(path_of).unwrap_or_default(),
            client: id,
            is_bound: inspection.claims.get("cnf").is_some(),
            claims: format!("{:#}", inspection.claims),
        }
    }
}

fn tokens_page<R>(session: &Session<R>, token: String) -> TokensPage {
    TokensPage {
        layout: Layout::new("Tokens", PATH, Some(session)),
        error: None,
        can_revoke: session.permits(AdminRole::Operator),
        token,
        inspection: None,
    }
}

/// A place to paste one.
pub(super) async fn show_tokens(session: Session<Viewer>) -> Response {
    page::show(&tokens_page(&session, String::new()))
}

/// What it says, and whether it is good.
pub(super) async fn inspect(
    State(app): State<AppState>,
    session: Session<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let mut page = tokens_page(&session, form.take("token").trim().to_owned());
    match app.tokens.inspect(&page.token).await {
        Ok(inspection) => {
            page.inspection = Some(inspection.into());
            Ok(page::show(&page))
        }
        Err(error) => refused(page, error),
    }
}

/// Ends it before its time.
pub(super) async fn revoke(
    State(app): State<AppState>,
    session: Session<Operator>,
    mut form: Form,
) -> Result<Response> {
    let mut page = tokens_page(&session, form.need("token")?.trim().to_owned());
    let revoked = app.tokens.revoke(&session.origin, &page.token).await;
    if let Err(error) = revoked {
        return refused(page, error);
    }
    page.layout.done = Some("The token is revoked.");
    page.inspection = Some(app.tokens.inspect(&page.token).await?.into());
    Ok(page::show(&page))
}

fn refused(mut page: TokensPage, error: Error) -> Result<Response> {
    let error = if error.code == ErrorCode::InvalidToken {
        Error::invalid_request(error.description)
    } else {
        page::mendable(error)?
    };
    page.error = Some(page::sentence(&error));
    Ok(page::show_again(&page, error))
}
