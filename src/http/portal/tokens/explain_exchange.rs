//! The token that a client would get by an exchange, or the check that would refuse it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::error::Result;
use crate::app::{ExchangeExplanation, ExchangeQuestion, ExchangeSubject};
use crate::base::secret::Secret;
use crate::http::AppState;
use crate::http::portal::access::form::{Form, filled_in};
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::links::EXPLAIN;
use crate::http::portal::page;
use crate::http::portal::page::Layout;
use crate::http::portal::page::field_errors::FieldErrors;

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

page::pages!(ExchangePage);

fn exchange_page(session: &Session<Viewer>) -> ExchangePage {
    ExchangePage {
        layout: session.layout("Explain exchange", EXPLAIN),
        subject: String::new(),
        requester: String::new(),
        audience: String::new(),
        scope: String::new(),
        explained: None,
    }
}

/// Shows the form.
pub(in crate::http::portal) async fn show_exchange(session: Session<Viewer>) -> Response {
    page::show(&exchange_page(&session))
}

/// Answers it. A subject token is not shown again.
pub(in crate::http::portal) async fn explain_exchange(
    State(app): State<AppState>,
    session: Session<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let mut take = |name| form.take(name).trim().to_owned();
    let mut page = ExchangePage {
        subject: take("subject"),
        requester: take("requester"),
        audience: take("audience"),
        scope: take("scope"),
        ..exchange_page(&session)
    };
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
        app.tokens.explain_exchange(&question).await
    };
    match explained.await {
        Ok(explained) => {
            page.explained = Some(explained);
            Ok(page::show(&page))
        }
        Err(error) => page::again_with(errors, error, std::future::ready(Ok(page))).await,
    }
}
