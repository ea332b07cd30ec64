//! Owns the page that asks before something is taken away: what breaks, and the button that does it. The script shows it as
//! a dialog on the page that leads to it; without a script it is a page of its own. Nothing is taken away in one click.

use std::future::ready;

use askama::Template;
use axum::response::{IntoResponse, Response};

use crate::app::error::{Error, Result};
use crate::http::portal::access::PortalRequest;
use crate::http::portal::page::fields::Choice;
use crate::http::portal::page::{self, Layout};

/// A question. Its title is that of the page.
#[derive(Template)]
#[template(path = "page/actions/question.html")]
pub(in crate::http::portal) struct Question {
    layout: Layout,
    /// Sentences; code stands between backticks.
    facts: Vec<String>,
    /// Where the form goes.
    action: String,
    /// What it says beside what is asked.
    fields: Vec<(&'static str, String)>,
    selects: Vec<Select>,
    /// The label of a field for a time in UTC, called `at`.
    moment: Option<&'static str>,
    /// The id and the label of a box to tick.
    tick: Option<(&'static str, &'static str)>,
    /// The label of the field in which a name is typed.
    typed: Option<&'static str>,
    /// On the button.
    verb: &'static str,
    /// The class of the button.
    kind: &'static str,
    is_possible: bool,
    back: String,
}

/// A choice of one among values.
struct Select {
    label: &'static str,
    id: &'static str,
    options: &'static [Choice],
    chosen: &'static str,
}

page::pages!(Question);

impl Question {
    /// The form goes to `action` below `path`; Cancel leads back to `path`.
    pub(in crate::http::portal) fn new<R, T>(
        request: &PortalRequest<R, T>,
        asked: impl Into<String>,
        verb: &'static str,
        path: &str,
        action: &str,
    ) -> Self {
        Self {
            layout: request.layout(asked, path),
            facts: Vec::new(),
            action: format!("{}/{action}", path.trim_end_matches('/')),
            fields: Vec::new(),
            selects: Vec::new(),
            moment: None,
            tick: None,
            typed: None,
            verb,
            kind: "bad",
            is_possible: true,
            back: path.to_owned(),
        }
    }

    /// That nothing breaks at once.
    pub(in crate::http::portal) fn harmless(mut self) -> Self {
        self.kind = "main";
        self
    }

    /// That it cannot be done, and why: there is no button then.
    pub(in crate::http::portal) fn impossible(mut self, why: impl Into<String>) -> Self {
        self.is_possible = false;
        self.fact(why)
    }

    /// With something that breaks, or that does not.
    pub(in crate::http::portal) fn fact(self, text: impl Into<String>) -> Self {
        self.facts([text.into()])
    }

    /// With as many of these.
    pub(in crate::http::portal) fn facts(
        mut self,
        texts: impl IntoIterator<Item = String>,
    ) -> Self {
        self.facts.extend(texts);
        self
    }

    /// With a field that is not shown.
    pub(in crate::http::portal) fn field(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    /// With the name of this submission, for what the form makes.
    pub(in crate::http::portal) fn submission(self) -> Self {
        let name = self.layout.submission.as_str().to_owned();
        self.field("submission", &name)
    }

    /// With a choice of one among values.
    pub(in crate::http::portal) fn choice(
        mut self,
        label: &'static str,
        id: &'static str,
        options: &'static [Choice],
        chosen: &'static str,
    ) -> Self {
        self.selects.push(Select {
            label,
            id,
            options,
            chosen,
        });
        self
    }

    /// With a field `at` for a time in UTC.
    pub(in crate::http::portal) fn moment(mut self, label: &'static str) -> Self {
        self.moment = Some(label);
        self
    }

    /// With a box to tick.
    pub(in crate::http::portal) fn tick(mut self, id: &'static str, label: &'static str) -> Self {
        self.tick = Some((id, label));
        self
    }

    /// With a field in which the name of what is taken away has to be typed.
    pub(in crate::http::portal) fn typed(mut self, label: &'static str) -> Self {
        self.typed = Some(label);
        self
    }

    /// Asks again, with the error at a field.
    pub(in crate::http::portal) async fn again_at(
        self,
        field: &str,
        error: Error,
    ) -> Result<Response> {
        page::again_at(field, error, ready(Ok(self))).await
    }
}

impl IntoResponse for Question {
    fn into_response(self) -> Response {
        page::show(&self)
    }
}
