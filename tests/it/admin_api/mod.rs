//! The admin API: who gets in, what it does, and that nothing is done unseen, twice or by the way.

mod access;
mod bound;
mod changes;
mod clients;
mod idempotency;
mod keys;
mod objects;
mod others;
mod rights;
mod secrets;
mod trail;
mod transfer;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use token_server::app::NewClient;
use token_server::domain::{Audience, Scope};

use crate::harness::{Answer, TestApp, new_client};

/// The client whose tokens are used here.
const ROBOT: &str = "robot";

/// Whom tokens for the API are for.
pub(crate) const AUDIENCE: &str = "https://tokens.test/admin/api";

const READ: &str = "admin:read";
const WRITE: &str = "admin:write";
const EXPORT: &str = "admin:export";
const ISSUERS: &str = "admin:issuers";

/// A program of an operator, with a token.
pub(crate) struct Robot<'a> {
    test: &'a TestApp,
    token: String,
}

impl<'a> Robot<'a> {
    /// Registers the client, and gets a token with both scopes.
    pub(crate) async fn new(test: &'a TestApp) -> Self {
        let secret = Self::register(test).await;
        Self::with_secret(test, &secret).await
    }

    /// Registers the client; its secret.
    pub(crate) async fn register(test: &TestApp) -> String {
        register(test, ROBOT, "admin:read admin:write").await
    }

    /// Gets a token for the registered client.
    pub(crate) async fn with_secret(test: &'a TestApp, secret: &str) -> Self {
        Self {
            test,
            token: token(test, ROBOT, secret, "").await,
        }
    }

    /// What its requests have in `Authorization`.
    pub(crate) fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// The same program at another replica.
    fn at<'b>(&self, test: &'b TestApp) -> Robot<'b> {
        Robot {
            test,
            token: self.token.clone(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(body)).await
    }

    /// A change of what the answer before has shown.
    pub(crate) async fn patch(&self, path: &str, etag: &str, body: &Value) -> Answer {
        let headers = [("if-match", etag)];
        self.send("PATCH", path, &headers, Some(body)).await
    }

    async fn delete(&self, path: &str, etag: &str) -> Answer {
        self.send("DELETE", path, &[("if-match", etag)], None).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        send(self.test, method, path, &headers, body).await
    }
}

/// Any request below `/admin/api/v1`.
pub(crate) async fn send(
    test: &TestApp,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/admin/api/v1{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    test.call(request.body(body).unwrap()).await
}

/// A client whose tokens are for the API.
pub(crate) async fn register(test: &TestApp, client_id: &str, scopes: &str) -> String {
    test.register(NewClient {
        scopes: Scope::parse(scopes).unwrap(),
        audiences: Audience::parse_list(AUDIENCE).unwrap(),
        ..new_client(client_id)
    })
    .await
}

pub(crate) async fn token(test: &TestApp, client_id: &str, secret: &str, scope: &str) -> String {
    let credentials = [("client_id", client_id), ("client_secret", secret)];
    let form = [&credentials[..], &[("scope", scope)]].concat();
    test.post_form("/authorize", &form).await.token()
}
