//! Logging in with name and password, and out.

pub(in crate::http) mod account;
pub(in crate::http) mod passkeys;
pub(in crate::http) mod second_factor;

use std::future::ready;

use askama::Template;
use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::app::AdminLogIn;
use crate::app::error::Result;
use crate::base::secret::Secret;
use crate::http::middleware::observe::RequestId;
use crate::http::portal::access::{Form, LoggingIn, PortalRequest, remove_cookie, see_with_token};
use crate::http::portal::links::see;
use crate::http::portal::page::{self, FieldErrors, Layout};
use crate::http::request::body::BodyParams;
use crate::http::request::caller::Caller;
use crate::http::{AppState, Params};

const PATH: &str = "/admin/login";

#[derive(Template)]
#[template(path = "login/login.html")]
struct LoginPage {
    layout: Layout,
    name: String,
    next: String,
}

page::pages!(LoginPage);

fn login_page(name: String, next: String) -> LoginPage {
    LoginPage {
        layout: Layout::new("Log in", PATH, None),
        name,
        next,
    }
}

/// The form, with the page to go to afterwards.
pub(super) async fn show_login(uri: Uri) -> Result<Response> {
    let query = uri.query().unwrap_or_default();
    let next = Params::from_form(query.as_bytes())?.take("next");
    let next = next.filter(|path| is_page(path)).unwrap_or_default();
    Ok(page::show(&login_page(String::new(), next)))
}

/// Begins a session. There is no form token yet; that the form is ours, the guard has seen.
pub(super) async fn log_in(
    State(app): State<AppState>,
    axum::Extension(request_id): axum::Extension<RequestId>,
    caller: Caller,
    headers: HeaderMap,
    BodyParams(mut form): BodyParams,
) -> Result<Response> {
    let user_agent = headers.get(USER_AGENT).and_then(|it| it.to_str().ok());
    form.require_texts()?;
    let name = form.take("name").unwrap_or_default();
    let next = form.take("next").filter(|path| is_page(path));
    let presented = AdminLogIn {
        name: name.clone(),
        password: Secret::new(form.take("password").unwrap_or_default()),
        source: caller.source,
        user_agent: user_agent.unwrap_or_default().to_owned(),
    };
    let mut errors = FieldErrors::default();
    errors.require("name", name.trim());
    errors.require("password", presented.password.expose());
    let started = async {
        let presented = errors.finish(Some(presented))?;
        app.admins.log_in(request_id.to_text(), presented).await
    };
    match started.await {
        Ok(started) => {
            let path = next.as_deref().unwrap_or("/admin/");
            Ok(see_with_token(path, &started.token))
        }
        Err(error) => {
            // An unknown name and a wrong password are one answer, at no field.
            let page = ready(Ok(login_page(name, next.unwrap_or_default())));
            page::again_with(errors, error, page).await
        }
    }
}

/// Ends the session.
pub(super) async fn log_out(request: PortalRequest<LoggingIn>, _form: Form) -> Result<Response> {
    let admins = &request.app.admins;
    admins.log_out(&request.origin, &request).await?;
    let mut response = see(PATH);
    remove_cookie(&mut response);
    Ok(response)
}

/// Whether a text is a page of this portal, and surely nothing that a browser would take for another site.
fn is_page(path: &str) -> bool {
    path.starts_with("/admin/")
        && path.len() <= 1_024
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && !path.contains("//")
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn only_a_page_of_the_portal_comes_after_the_login() {
        assert!(is_page("/admin/clients?after=a%20b"));
        for bad in [
            "",
            "//evil.example",
            "/admin//evil.example",
            "https://evil.example/admin/",
            "/\\evil.example",
            "/admin/\\evil",
            "/admin/ x",
            "/admin/\r\nSet-Cookie: a=b",
            "/verify",
        ] {
            assert!(!is_page(bad), "{bad}");
        }
    }
}
