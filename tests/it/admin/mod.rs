//! Admins and the portal: who gets in, how far, and what nobody may do.

mod accounts;
mod audit;
mod clients;
mod explain;
mod issuers;
mod keys;
mod log_in;
mod pages;
mod rights;
mod rotation;
mod tokens;
mod transfer;

use axum::body::Body;
use axum::http::Request;
use token_server::app::{NewAdmin, NewPassword};
use token_server::base::secret::Secret;
use token_server::domain::{AdminName, AdminRole};

use crate::harness::{Answer, BY, TestApp};

#[cfg(not(feature = "passkeys"))]
pub(crate) use log_in::no_passkeys::{add_passkey, store_passkey};
#[cfg(feature = "passkeys")]
pub(crate) use log_in::passkeys::add_passkey;
pub(crate) use log_in::second_factor::{code as second_factor_code, enrol};

pub(crate) const PASSWORD: &str = "correct horse battery";

const HOST: &str = "portal.test";

/// The error at a field.
fn error_at(page: &Answer, field: &str) -> Option<String> {
    let mark = format!("id=\"{field}-error\">");
    let (_, rest) = page.text().split_once(&mark)?;
    Some(rest.split("</p>").next().unwrap().to_owned())
}

fn name(text: &str) -> AdminName {
    AdminName::parse(text).unwrap()
}

/// A service where a password alone is enough, with an owner `olga`, an operator `omar` and a viewer `vera`.
pub(crate) async fn portal() -> TestApp {
    portal_with(&[("ADMIN_SECOND_FACTOR", "optional")]).await
}

pub(crate) async fn portal_with(settings: &[(&str, &str)]) -> TestApp {
    let test = TestApp::with(settings).await;
    for (who, role) in [
        ("olga", AdminRole::Owner),
        ("omar", AdminRole::Operator),
        ("vera", AdminRole::Viewer),
    ] {
        create(&test, who, role).await;
    }
    test
}

pub(crate) async fn create(test: &TestApp, who: &str, role: AdminRole) {
    let new = NewAdmin {
        name: name(who),
        role,
    };
    let password = NewPassword::Chosen(Secret::from(PASSWORD));
    test.app.admins.create(BY, new, password).await.unwrap();
}

/// The ids of the passkeys that the account page shows.
async fn passkey_ids(browser: &mut Browser<'_>) -> Vec<String> {
    let page = browser.get("/admin/account").await;
    let parts = page.text().split("/admin/account/passkeys/").skip(1);
    parts.map(|it| it[..16].to_owned()).collect()
}

async fn remove_passkey(browser: &mut Browser<'_>, id: &str) -> u16 {
    let path = format!("/admin/account/passkeys/{id}/remove");
    let fields = [("password", PASSWORD)];
    browser.post(&path, &fields).await.status
}

/// Somebody who removes all of them.
pub(crate) async fn remove_passkeys(browser: &mut Browser<'_>) {
    for id in passkey_ids(browser).await {
        assert_eq!(remove_passkey(browser, &id).await, 303);
    }
}

/// Somebody's browser: keeps the cookie, and sends what a browser sends.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    test: &'a TestApp,
    source: &'a str,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(test: &'a TestApp) -> Self {
        Self {
            test,
            source: "192.0.2.1",
            cookie: None,
        }
    }

    /// The same at another address.
    fn at(self, source: &'a str) -> Self {
        Self { source, ..self }
    }

    /// Logged in with name and password.
    pub(crate) async fn of(test: &'a TestApp, who: &str) -> Self {
        let mut browser = Self::new(test);
        let answer = browser.log_in(who, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        browser
    }

    pub(crate) async fn log_in(&mut self, who: &str, password: &str) -> Answer {
        let fields = [("name", who), ("password", password)];
        self.post_as_is("/admin/login", &fields).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// Submits a form of a page of this session.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.csrf_token().await;
        let fields = [&[("csrf", token.as_str())], fields].concat();
        self.post_as_is(path, &fields).await
    }

    /// The page that a form redirects to.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, 303, "{}", answer.text());
        self.get(answer.header("location")).await
    }

    /// Submits a form without the session's token.
    async fn post_as_is(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = crate::harness::form(fields);
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", format!("https://{HOST}"))
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Any request, with the cookie.
    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let headers = request.headers_mut();
        headers.insert("host", HOST.parse().unwrap());
        headers.insert("user-agent", "a browser".parse().unwrap());
        if let Some(cookie) = &self.cookie {
            headers.insert("cookie", cookie.parse().unwrap());
        }
        let answer = self.test.call_from(self.source, request).await;
        let set = answer.header("set-cookie").split(';').next();
        if let Some(cookie) = set.filter(|cookie| !cookie.is_empty()) {
            self.cookie = Some(cookie.to_owned());
        }
        answer
    }

    async fn csrf_token(&mut self) -> String {
        // Whoever has a session sees it, and looking at it changes nothing.
        let page = self.get("/admin/account/password").await;
        let (_, rest) = page.text().split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}
