//! Owns what every page has: its frame with the navigation, and how it is answered.

pub(super) mod assets;
mod chart;
mod done;
mod field_errors;
pub(super) mod fields;
mod question;

pub(super) use chart::{Chart, Grouped, charts};
pub(super) use field_errors::FieldErrors;
pub(super) use question::Question;

use std::fmt;
use std::sync::Arc;

use askama::Template;
use askama::filters::{Html, escape};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::app::error::{Error, Result};
use crate::app::{CurrentSession, SessionStep};
use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, ErrorCode};
use crate::http::portal::access::Submission;
use crate::http::portal::links::see_done;
use crate::http::response::{self, LogContext, WithLogContext};

/// A page in the navigation.
pub(super) struct Entry {
    needs: AdminRole,
    pub(super) label: &'static str,
    pub(super) path: &'static str,
    /// The lines of its sign, in a square of 24.
    pub(super) sign: &'static str,
}

macro_rules! navigation {
    ($($needs:ident $label:literal $path:literal $sign:literal;)*) => {
        const ENTRIES: &[Entry] =
            &[$(Entry { needs: AdminRole::$needs, label: $label, path: $path, sign: $sign }),*];
    };
}

navigation! {
    Viewer "Dashboard"         "/admin/"              "M4 13h6V4H4zm10 7h6V4h-6zM4 20h6v-4H4z";
    Viewer "Clients"           "/admin/clients"       "M5 5h14v6H5zm0 8h14v6H5zm3-5h.01M8 16h.01";
    Owner  "Import and export" "/admin/transfer"      "M7 4v13m0 0-3-3m3 3 3-3m7 6V7m0 0-3 3m3-3 3 3";
    Viewer "Token inspector"   "/admin/tokens"        "M4 7h16v10H4zM4 7l8 6 8-6";
    Viewer "Excess tokens"     "/admin/excess-tokens" "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13m-7 4v5m4-5v5";
    Viewer "Troubleshoot"      "/admin/explain"       "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8m0 3h.01";
    Viewer "Trusted issuers"   "/admin/issuers"       "M12 3l7 3v5c0 4.5-3 8-7 10-4-2-7-5.5-7-10V6zm-3 9 2.2 2.2L15.5 10";
    Viewer "Keys"              "/admin/keys"          "M8 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm2.5-6L19 4m-4 3 2.5 2.5";
    Viewer "Audit"             "/admin/audit"         "M6 4h12v16H6zm3 5h6m-6 4h6m-6 3h3";
    Owner  "Admins"            "/admin/admins"        "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm-6 9c0-3.3 2.7-6 6-6s6 2.7 6 6m1-9.3a3.5 3.5 0 0 0 0-6.4M21 20c0-2.6-1.6-4.7-4-5.6";
    Viewer "Sessions"          "/admin/sessions"      "M4 5h16v11H4zM9 20h6m-3-4v4";
    Viewer "Settings"          "/admin/settings"      "M4 7h9m4 0h3M4 17h3m4 0h9M15 4.5v5M9 14.5v5";
}

/// Pages that are below an entry, though their paths are not.
const BELOW: &[(&str, &str)] = &[
    ("/admin/new-client", "/admin/clients"),
    ("/admin/new-issuer", "/admin/issuers"),
];

/// An entry as a page shows it.
pub(super) struct Link {
    pub(super) entry: &'static Entry,
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
    /// What was just done.
    pub(super) done: Option<&'static str>,
    /// Why a form was not accepted.
    pub(super) problem: Option<String>,
    /// Why fields of a form were not accepted.
    pub(super) errors: FieldErrors,
    /// The name of the next submission of a form of the page that makes something.
    pub(super) submission: Submission,
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
            problem: None,
            errors: FieldErrors::default(),
            submission: Submission::random(),
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

    /// What an input has to say of itself: where its hint and its error are. Of all inputs with `autofocus` the first gets the
    /// focus.
    pub(super) fn described(&self, id: &str, hint: &str) -> String {
        match (self.errors.find(id), hint) {
            (None, "") => String::new(),
            (None, _) => format!(" aria-describedby=\"{id}-hint\""),
            (Some(_), "") => {
                format!(" aria-describedby=\"{id}-error\" aria-invalid=\"true\" autofocus")
            }
            (Some(_), _) => format!(
                " aria-describedby=\"{id}-error {id}-hint\" aria-invalid=\"true\" autofocus"
            ),
        }
    }

    /// With the text of a word (`?done=`) that `done` has for this page.
    pub(super) fn after_redirect(mut self, path: &str, word: Option<&str>) -> Self {
        self.done = word.and_then(|word| done::text_of(path, word));
        self
    }
}

impl Entry {
    fn link(&'static self, path: &str) -> Link {
        let below = path.strip_prefix(self.path);
        let is_below = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Link {
            entry: self,
            is_current: is_below || BELOW.contains(&(path, self.path)),
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

/// A page whose frame can still be changed.
pub(super) trait Page: Template {
    fn layout(&mut self) -> &mut Layout;
}

/// Implements [`Page`] for templates with a field `layout`.
macro_rules! pages {
    ($($name:ident),+) => {
        $(impl $crate::http::portal::page::Page for $name {
            fn layout(&mut self) -> &mut Layout {
                &mut self.layout
            }
        })+
    };
}
pub(super) use pages;

/// Answers a form: with a redirect to `path` that says what was done, or with `page` again and the error.
pub(super) async fn after<T, P: Page>(
    done: Result<T>,
    path: &str,
    word: &str,
    page: impl Future<Output = Result<P>>,
) -> Result<Response> {
    match done {
        Ok(_) => Ok(see_done(path, word)),
        Err(error) => again(error, page).await,
    }
}

/// Shows `page` again with the error, if whoever filled in the form can mend it there.
pub(super) async fn again<P: Page>(
    error: Error,
    page: impl Future<Output = Result<P>>,
) -> Result<Response> {
    let error = mendable(error)?;
    let mut page = page.await?;
    page.layout().problem = Some(sentence(&error));
    Ok(show_again(&page, error))
}

/// Shows `page` again with the error at one of its fields.
pub(super) async fn again_at<P: Page>(
    field: &str,
    error: Error,
    page: impl Future<Output = Result<P>>,
) -> Result<Response> {
    let error = mendable(error)?;
    let errors = FieldErrors::at(field, &error);
    again_with(errors, error, page).await
}

/// Shows `page` again with the errors of its fields, or with `error` above it when they have none.
pub(super) async fn again_with<P: Page>(
    errors: FieldErrors,
    error: Error,
    page: impl Future<Output = Result<P>>,
) -> Result<Response> {
    if errors.list().is_empty() {
        return again(error, page).await;
    }
    let mut page = page.await?;
    page.layout().errors = errors;
    Ok(show_again(&page, error))
}

/// Shows a page with an error above it.
pub(super) fn with_problem(mut page: impl Page, error: Error) -> Response {
    page.layout().problem = Some(sentence(&error));
    show_with_error(&page, error)
}

/// Shows a page that has the text of the error in it, with the status of the error.
pub(super) fn show_with_error(template: &impl Template, error: Error) -> Response {
    with_error(response::error::status(&error), template, error)
}

/// Shows a form that has the text of the error in it.
pub(super) fn show_again(template: &impl Template, error: Error) -> Response {
    // Another text in the form mends these.
    let is_of_a_text = matches!(
        error.code,
        ErrorCode::InvalidRequest | ErrorCode::Conflict | ErrorCode::PreconditionFailed
    );
    let status = if is_of_a_text {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        response::error::status(&error)
    };
    with_error(status, template, error)
}

fn with_error(status: StatusCode, template: &impl Template, error: Error) -> Response {
    let response = with_status(status, template);
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

/// The description of an error as a sentence, with a capital letter and a full stop.
pub(super) fn sentence(error: &Error) -> String {
    capitalized(&error.description)
}

/// A text as a sentence, with a capital letter and a full stop.
pub(super) fn capitalized(text: impl fmt::Display) -> String {
    let text = text.to_string();
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).chain(['.']).collect()
}

/// A text as HTML: escaped, and what stands between two backticks as code.
pub(super) fn marked(text: &str) -> String {
    let Ok(escaped) = escape(text, Html);
    let escaped = escaped.to_string();
    let mut parts = escaped.split('`');
    let mut html = parts.next().unwrap_or_default().to_owned();
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(rest) => html += &format!("<code>{code}</code>{rest}"),
            None => html += &format!("`{code}"),
        }
    }
    html
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

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let minutes = text.get(..16).filter(|_| text.ends_with('Z'));
        match minutes {
            Some(minutes) => write!(f, "{} UTC", minutes.replace('T', " ")),
            None => f.write_str(&text),
        }
    }
}

/// A time in UTC to the second, where the column says that it is UTC.
pub(super) struct Exactly(pub(super) UnixTime);

impl fmt::Display for Exactly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().replace('T', " ").replace('Z', ""))
    }
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn backticks_become_code_and_nothing_of_the_text_becomes_markup() {
        assert_eq!(
            marked("`<b>` is not `a&b`."),
            "<code>&#60;b&#62;</code> is not <code>a&#38;b</code>."
        );
        assert_eq!(marked("<i>`x"), "&#60;i&#62;`x");
        assert_eq!(marked("``"), "<code></code>");
        assert_eq!(marked(""), "");
    }
}
