//! Trusted issuers, clients that log in with tokens of their platform, and such logins.

use serde_json::Value;
use token_server::app::{App, NewClient};
use token_server::domain::{AuthenticationSettings, Identities, IssuerSpec, Scope, TrustedIssuer};

use super::{Answer, BY, TestApp, id};

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) const JWT_SPIFFE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";

pub(crate) fn spec(document: &Value) -> IssuerSpec {
    token_server::base::json::from_str(&document.to_string()).unwrap()
}

pub(crate) async fn add(app: &App, document: &Value) -> TrustedIssuer {
    app.issuers.add(BY, spec(document)).await.unwrap()
}

/// Registers a client that logs in by these identities alone.
pub(crate) async fn register(test: &TestApp, client_id: &str, identities: &Value) {
    let new = new_client(client_id, identities, "read write");
    test.app.clients.register(BY, new, None).await.unwrap();
}

pub(crate) fn new_client(client_id: &str, identities: &Value, scopes: &str) -> NewClient {
    let list = identities.as_array().unwrap();
    NewClient {
        client_id: Some(id(client_id)),
        scopes: Scope::parse(scopes).unwrap(),
        authentication: AuthenticationSettings {
            identities: Identities::from_values(list).unwrap(),
            ..AuthenticationSettings::default()
        },
        ..NewClient::default()
    }
}

/// Presents a token at `/token`.
pub(crate) async fn present(test: &TestApp, token: &str, client_id: Option<&str>) -> Answer {
    present_as(test, "/token", JWT_BEARER, token, client_id).await
}

pub(crate) async fn present_as(
    test: &TestApp,
    path: &str,
    assertion_type: &str,
    token: &str,
    client_id: Option<&str>,
) -> Answer {
    let mut form = vec![
        ("client_assertion_type", assertion_type),
        ("client_assertion", token),
    ];
    if path == "/token" {
        form.push(("grant_type", "client_credentials"));
    }
    if let Some(id) = client_id {
        form.push(("client_id", id));
    }
    test.post_form(path, &form).await
}
