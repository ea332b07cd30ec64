//! Owns what every page has: its frame with the navigation, and how it is answered.

pub(in crate::http) mod assets;
pub(in crate::http) mod chart;

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::app::error::{Error, Result};
use crate::app::{CurrentSession, SessionStep};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, ErrorCode};
use crate::http::response;
use crate::http::response::{LogContext, WithLogContext};

/// A page in the navigation. Another one is a line here.
struct Entry {
    label: &'static str,
    path: &'static str,
    needs: AdminRole,
    /// The lines of its sign, in a square of 24.
    sign: &'static str,
}

const ENTRIES: &[Entry] = &[
    entry(
        "Dashboard",
        "/admin/",
        AdminRole::Viewer,
        "M4 13h6V4H4zm10 7h6V4h-6zM4 20h6v-4H4z",
    ),
    entry(
        "Clients",
        "/admin/clients",
        AdminRole::Viewer,
        "M5 5h14v6H5zm0 8h14v6H5zm3-5h.01M8 16h.01",
    ),
    entry(
        "Import, export",
        "/admin/transfer",
        AdminRole::Owner,
        "M7 4v13m0 0-3-3m3 3 3-3m7 6V7m0 0-3 3m3-3 3 3",
    ),
    entry(
        "Tokens",
        "/admin/tokens",
        AdminRole::Viewer,
        "M4 7h16v10H4zM4 7l8 6 8-6",
    ),
    entry(
        "Waste",
        "/admin/waste",
        AdminRole::Viewer,
        "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13m-7 4v5m4-5v5",
    ),
    entry(
        "Explain",
        "/admin/explain",
        AdminRole::Viewer,
        "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8m0 3h.01",
    ),
    entry(
        "Keys",
        "/admin/keys",
        AdminRole::Viewer,
        "M8 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm2.5-6L19 4m-4 3 2.5 2.5",
    ),
    entry(
        "Audit",
        "/admin/audit",
        AdminRole::Viewer,
        "M6 4h12v16H6zm3 5h6m-6 4h6m-6 3h3",
    ),
    entry(
        "Admins",
        "/admin/admins",
        AdminRole::Owner,
        "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm-6 9c0-3.3 2.7-6 6-6s6 2.7 6 6m1-9.3a3.5 3.5 0 0 0 0-6.4M21 20c0-2.6-1.6-4.7-4-5.6",
    ),
    entry(
        "Sessions",
        "/admin/sessions",
        AdminRole::Viewer,
        "M4 5h16v11H4zM9 20h6m-3-4v4",
    ),
    entry(
        "Settings",
        "/admin/settings",
        AdminRole::Viewer,
        "M4 7h9m4 0h3M4 17h3m4 0h9M15 4.5v5M9 14.5v5",
    ),
];

/// Pages that are below an entry, though their paths are not.
const BELOW: &[(&str, &str)] = &[("/admin/new-client", "/admin/clients")];

const fn entry(
    label: &'static str,
    path: &'static str,
    needs: AdminRole,
    sign: &'static str,
) -> Entry {
    Entry {
        label,
        path,
        needs,
        sign,
    }
}

/// An entry as a page shows it.
pub(super) struct Link {
    pub(super) label: &'static str,
    pub(super) path: &'static str,
    pub(super) sign: &'static str,
    pub(super) is_current: bool,
}

/// The frame of a page.
pub(super) struct Layout {
    pub(super) title: String,
    pub(super) links: Vec<Link>,
    /// Who is logged in.
    pub(super) name: String,
    pub(super) role: &'static str,
    /// For the forms of the page; empty where there is no session.
    pub(super) csrf: String,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) icon: &'static str,
    /// A sentence about what was just done.
    pub(super) done: Option<&'static str>,
}

impl Layout {
    /// The frame of the page at `path`.
    pub(super) fn new(
        title: impl Into<String>,
        path: &str,
        session: Option<&CurrentSession>,
    ) -> Self {
        let mut layout = Self {
            title: title.into(),
            links: Vec::new(),
            name: String::new(),
            role: "",
            csrf: String::new(),
            style: assets::STYLE.path(),
            script: assets::SCRIPT.path(),
            icon: assets::ICON.path(),
            done: None,
        };
        let Some(session) = session else {
            return layout;
        };
        layout.name = session.admin.name.to_string();
        layout.role = session.admin.role.as_str();
        layout.csrf.clone_from(session.csrf_token.expose());
        if session.step == SessionStep::Done {
            let permitted = ENTRIES.iter().filter(|it| session.permits(it.needs));
            layout.links = permitted.map(|it| it.link(path)).collect();
        }
        layout
    }

    /// The same with a sentence about what was just done, when the page was asked for with one (`?done=`). Only
    /// sentences that are known are shown: a link from elsewhere must not put words into our mouth.
    pub(super) fn with_done(mut self, done: Option<&str>, known: &[(&str, &'static str)]) -> Self {
        let mut known = known.iter();
        self.done = done.and_then(|done| Some(known.find(|(word, _)| *word == done)?.1));
        self
    }
}

impl Entry {
    fn link(&self, path: &str) -> Link {
        let is_below = path
            .strip_prefix(self.path)
            .is_some_and(|rest| rest.starts_with('/'))
            || BELOW.contains(&(path, self.path));
        Link {
            label: self.label,
            path: self.path,
            sign: self.sign,
            is_current: path == self.path || is_below,
        }
    }
}

/// A filled template as an answer.
pub(super) fn show(template: &impl Template) -> Response {
    with_status(StatusCode::OK, template)
}

fn with_status(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => response::secret(status, "text/html; charset=utf-8", html),
        Err(error) => Error::internal(error).into_response(),
    }
}

/// The same after an error that whoever filled the form in can mend: `template` says it, above the form.
pub(super) fn show_again(template: &impl Template, error: Error) -> Response {
    let response = with_status(crate::http::response::error::status(&error), template);
    let note = LogContext {
        client_id: None,
        error: Some(Arc::new(error)),
    };
    WithLogContext { response, note }.into_response()
}

/// An error, if it is one that whoever filled a form in can mend there.
pub(super) fn mendable(error: Error) -> Result<Error> {
    let is_mendable = matches!(
        error.code,
        ErrorCode::InvalidRequest
            | ErrorCode::InvalidClient
            | ErrorCode::AccessDenied
            | ErrorCode::Conflict
            | ErrorCode::PreconditionFailed
            | ErrorCode::RateLimited
    );
    if is_mendable { Ok(error) } else { Err(error) }
}

/// What an error says, as a sentence that begins and ends like one.
pub(super) fn sentence(error: &Error) -> String {
    let mut characters = error.description.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).chain(['.']).collect()
}

#[derive(Template)]
#[template(path = "page/error.html")]
struct ErrorPage {
    layout: Layout,
    status: u16,
    description: String,
}

pub(super) fn error(layout: Layout, status: StatusCode, error: &Error) -> Response {
    let page = ErrorPage {
        layout,
        status: status.as_u16(),
        description: sentence(error),
    };
    with_status(status, &page)
}

/// A time as pages show it; `title` and the script of the page say more.
pub(super) struct When(pub(super) UnixTime);

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_string();
        let minutes = text.get(..16).filter(|_| text.ends_with('Z'));
        match minutes {
            Some(minutes) => write!(f, "{} UTC", minutes.replace('T', " ")),
            None => f.write_str(&text),
        }
    }
}
