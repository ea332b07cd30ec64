//! Why a request was rejected, the token that a client would get by itself or by an exchange, and each rule that a client
//! assertion satisfies or not.

use std::future::ready;

use askama::Template;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{
    AssertionExplanation, ExchangeExplanation, ExchangeQuestion, ExchangeSubject, TokenExplanation,
};
use crate::base::secret::Secret;
use crate::domain::{ErrorCode, RejectedRequest};
use crate::http::AppState;
use crate::http::portal::access::{Form, PortalRequest, Viewer, filled_in};
use crate::http::portal::links::{EXPLAIN, encoded, path_of};
use crate::http::portal::page::{self, Exactly, FieldErrors, Layout};
use crate::http::portal::tokens::fix::Fix;

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

page::pages!(ExplainPage, ExchangePage, AssertionPage);

/// Shows two forms, and the answer to the one that was sent; to none, what was rejected last.
pub(in crate::http::portal) async fn show_explanation(
    mut request: PortalRequest<Viewer>,
) -> Result<Response> {
    let layout = request.layout("Troubleshoot", EXPLAIN);
    let query = &mut request.query;
    let mut take = |name| query.take(name).unwrap_or_default().trim().to_owned();
    let mut page = ExplainPage {
        layout,
        client_id: take("client_id"),
        scope: take("scope"),
        audience: take("audience"),
        request_id: take("request_id"),
        explained: None,
        rejected: Vec::new(),
    };
    match answer(&request.app, &mut page).await {
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

#[derive(Template)]
#[template(path = "tokens/explain_exchange.html")]
struct ExchangePage {
    layout: Layout,
    subject: String,
    requester: String,
    audience: String,
    scope: String,
    explained: Option<ExchangeExplanation>,
}

/// The form, each field as `take` has it.
fn exchange_page(
    request: &PortalRequest<Viewer>,
    mut take: impl FnMut(&str) -> String,
) -> ExchangePage {
    ExchangePage {
        layout: request.layout("Explain exchange", EXPLAIN),
        subject: take("subject"),
        requester: take("requester"),
        audience: take("audience"),
        scope: take("scope"),
        explained: None,
    }
}

pub(in crate::http::portal) async fn show_exchange(request: PortalRequest<Viewer>) -> Response {
    page::show(&exchange_page(&request, |_| String::new()))
}

/// Answers it. A subject token is not shown again.
pub(in crate::http::portal) async fn explain_exchange(
    request: PortalRequest<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let mut take = |name: &str| form.take(name).trim().to_owned();
    let mut page = exchange_page(&request, &mut take);
    let token = Some(take("token")).filter(|token| !token.is_empty());
    let mut errors = FieldErrors::default();
    let explained = async {
        let client = filled_in(&page.subject).map(str::to_owned);
        let subject = ExchangeSubject::parse(token.map(Secret::new), client);
        let subject = errors.check("subject", subject);
        errors.require("requester", &page.requester);
        errors.require("audience", &page.audience);
        let question = ExchangeQuestion {
            subject: errors.finish(subject)?,
            requester: page.requester.clone(),
            target: page.audience.clone(),
            scope: filled_in(&page.scope).map(str::to_owned),
        };
        request.app.tokens.explain_exchange(&question).await
    };
    match explained.await {
        Ok(explained) => {
            page.explained = Some(explained);
            Ok(page::show(&page))
        }
        Err(error) => page::again_with(errors, error, ready(Ok(page))).await,
    }
}

#[derive(Template)]
#[template(path = "tokens/explain_assertion.html")]
struct AssertionPage {
    layout: Layout,
    client_id: String,
    explained: Option<AssertionExplanation>,
}

fn assertion_page(request: &PortalRequest<Viewer>, client_id: &str) -> AssertionPage {
    AssertionPage {
        layout: request.layout("Explain assertion", EXPLAIN),
        client_id: client_id.trim().to_owned(),
        explained: None,
    }
}

/// Shows the form of an assertion, and the way to a refused request, which has its reason by its ID.
pub(in crate::http::portal) async fn show_assertion(request: PortalRequest<Viewer>) -> Response {
    page::show(&assertion_page(&request, ""))
}

/// Answers it. The assertion is not shown again, and is not used up.
pub(in crate::http::portal) async fn explain_assertion(
    request: PortalRequest<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let mut page = assertion_page(&request, &form.take("client_id"));
    let assertion = Secret::new(form.take("assertion"));
    let mut errors = FieldErrors::default();
    errors.require("assertion", assertion.expose().trim());
    let explained = async {
        errors.finish(Some(()))?;
        let (assertion, client_id) = (assertion.expose(), filled_in(&page.client_id));
        let authentication = &request.app.authentication;
        authentication.explain_assertion(assertion, client_id).await
    };
    match explained.await {
        Ok(explained) => {
            page.explained = Some(explained);
            Ok(page::show(&page))
        }
        Err(error) => page::again_with(errors, error, ready(Ok(page))).await,
    }
}
