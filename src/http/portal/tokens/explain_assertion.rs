//! Each rule that a client assertion satisfies or not. And the way to a refused request, which has its reason by its ID.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::AssertionExplanation;
use crate::app::error::Result;
use crate::base::secret::Secret;
use crate::http::AppState;
use crate::http::portal::access::form::{Form, filled_in};
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::links::{EXPLAIN, path_of};
use crate::http::portal::page;
use crate::http::portal::page::Layout;
use crate::http::portal::page::field_errors::FieldErrors;

#[derive(Template)]
#[template(path = "tokens/explain_assertion.html")]
struct AssertionPage {
    layout: Layout,
    client_id: String,
    explained: Option<AssertionExplanation>,
}

page::pages!(AssertionPage);

fn assertion_page(session: &Session<Viewer>, client_id: &str) -> AssertionPage {
    AssertionPage {
        layout: session.layout("Explain assertion", EXPLAIN),
        client_id: client_id.trim().to_owned(),
        explained: None,
    }
}

/// Shows the form.
pub(in crate::http::portal) async fn show_assertion(session: Session<Viewer>) -> Response {
    page::show(&assertion_page(&session, ""))
}

/// Answers it. The assertion is not shown again, and is not used up.
pub(in crate::http::portal) async fn explain_assertion(
    State(app): State<AppState>,
    session: Session<Viewer>,
    mut form: Form,
) -> Result<Response> {
    let mut page = assertion_page(&session, &form.take("client_id"));
    let assertion = Secret::new(form.take("assertion"));
    let mut errors = FieldErrors::default();
    errors.require("assertion", assertion.expose().trim());
    let explained = async {
        errors.finish(Some(()))?;
        let client_id = filled_in(&page.client_id);
        let explained = app
            .authentication
            .explain_assertion(assertion.expose(), client_id);
        explained.await
    };
    match explained.await {
        Ok(explained) => {
            page.explained = Some(explained);
            Ok(page::show(&page))
        }
        Err(error) => page::again_with(errors, error, std::future::ready(Ok(page))).await,
    }
}
