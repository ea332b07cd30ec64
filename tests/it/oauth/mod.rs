//! The endpoints that OAuth libraries call, as the RFCs have them.

pub(crate) mod assertion;
mod authorization_endpoint;
mod bodies;
mod certificate_bound;
mod certificates;
mod corpus;
mod introspect;
mod introspect_by_token;
mod jwks_uri;
mod letter;
mod metadata;
mod protected_resource;
mod revoke;
mod token;

use token_server::app::NewClient;
use token_server::domain::{Audience, Identifiers, Scope};

use crate::harness::{Answer, TestApp, new_client};

/// A client that can call the endpoints.
struct Caller<'a> {
    test: &'a TestApp,
    id: &'a str,
    secret: String,
}

impl<'a> Caller<'a> {
    /// Registers one with these scopes and audiences.
    async fn new(test: &'a TestApp, id: &'a str, scopes: &str, audiences: &str) -> Self {
        Self::register(test, id, scopes, audiences, "").await
    }

    /// Registers a resource server with these identifiers, and no audiences.
    async fn service(test: &'a TestApp, id: &'a str, identifiers: &str) -> Self {
        Self::register(test, id, "", "", identifiers).await
    }

    async fn register(
        test: &'a TestApp,
        id: &'a str,
        scopes: &str,
        audiences: &str,
        identifiers: &str,
    ) -> Self {
        let new = NewClient {
            scopes: Scope::parse(scopes).unwrap(),
            audiences: Audience::parse_list(audiences).unwrap(),
            identifiers: Identifiers::parse(identifiers).unwrap(),
            ..new_client(id)
        };
        let secret = test.register(new).await;
        Self { test, id, secret }
    }

    async fn token(&self) -> String {
        self.test.authorize(self.id, &self.secret).await.token()
    }

    /// A form with HTTP Basic.
    async fn post(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        let userinfo = format!("{}:{}", self.id, self.secret);
        self.test.post_basic(path, &userinfo, params).await
    }

    async fn introspect(&self, token: &str) -> Answer {
        self.post("/introspect", &[("token", token)]).await
    }

    async fn revoke(&self, token: &str) -> Answer {
        self.post("/revoke", &[("token", token)]).await
    }
}

/// The request errors that both endpoints share.
async fn refuses_bad_requests(path: &str) {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "api", "", "").await;
    let json = async |body: String| test.post(path, "application/json", body).await;
    let credentials = format!(r#""client_id":"api","client_secret":"{}""#, caller.secret);

    for params in [
        &[][..],
        &[("token", "")],
        &[("token_type_hint", "access_token")],
        &[("token", "a"), ("token", "a")],
        &[("token", "a\0")],
        &[
            ("token", "a"),
            ("token_type_hint", "x"),
            ("token_type_hint", "y"),
        ],
        &[("token", "a"), ("client_secret", "and in the body")],
        &[("token", "a"), ("client_id", "another")],
    ] {
        caller
            .post(path, params)
            .await
            .assert_error(400, "invalid_request");
    }
    for token in ["1", "[\"a\"]", "{}", "null", "true"] {
        json(format!(r#"{{{credentials},"token":{token}}}"#))
            .await
            .assert_error(400, "invalid_request");
    }
    json("[]".to_owned())
        .await
        .assert_error(400, "invalid_request");
    test.post(path, "text/plain", "token=a")
        .await
        .assert_error(415, "unsupported_media_type");
    test.post(path, "application/json", "x".repeat(70_000))
        .await
        .assert_error(413, "content_too_large");
    let get = test.get(path).await;
    get.assert_error(405, "method_not_allowed");
    assert_eq!(get.header("allow"), "POST");
}

/// Without a good proof of a client nothing is said.
async fn needs_a_client(path: &str) {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "api", "", "").await;
    let token = caller.token().await;
    let form = async |params: &[(&str, &str)]| test.post_form(path, params).await;

    for answer in [
        form(&[("token", &token)]).await,
        form(&[("token", &token), ("client_id", "api")]).await,
        form(&[
            ("token", &token),
            ("client_id", "api"),
            ("client_secret", "no"),
        ])
        .await,
        form(&[
            ("token", &token),
            ("client_id", "b"),
            ("client_secret", &caller.secret),
        ])
        .await,
        test.post_basic(path, "api:no", &[("token", &token)]).await,
        test.post_basic(path, "api:", &[("token", &token)]).await,
    ] {
        answer.assert_error(401, "invalid_client");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
    assert_eq!(test.verify(&token).await.status, 200);
}
