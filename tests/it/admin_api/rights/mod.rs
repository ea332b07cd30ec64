//! A program gives no client power over the server, and changes none that has some.

mod identifiers;

use Effect::{Changes, Restricts};
use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{ClientRecord, ExpectedVersion, Identifiers, Scope};
use token_server::http::admin_api_routes;

use super::{EXPORT, READ, ROBOT, Robot, WRITE, register, send, token};
use crate::harness::{CLIENT, TestApp, id, new_client};

/// What a route does to the client with a reserved scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It changes the client, or makes one like it.
    Changes,
    /// It only takes away from the client.
    Restricts,
    /// It is about something else.
    None,
}

const CLIENT_PATH: &str = "/clients/{client_id}";
const EXPIRE: &str = "/clients/{client_id}/secrets/{secret_id}/expire";

/// Every route that is not a `GET`, with a request for it. A new route fails the test until it stands here.
const TABLE: &[(&str, &str, &str, Effect)] = &[
    (
        "POST",
        "/clients",
        r#"{"client_id": "new", "scopes": "read token:introspect"}"#,
        Changes,
    ),
    ("PATCH", CLIENT_PATH, r#"{"name": "mine"}"#, Changes),
    ("PATCH", CLIENT_PATH, r#"{"description": "mine"}"#, Changes),
    ("PATCH", CLIENT_PATH, r#"{"scopes": ""}"#, Changes),
    (
        "PATCH",
        CLIENT_PATH,
        r#"{"audiences": ["https://a"]}"#,
        Changes,
    ),
    ("PATCH", CLIENT_PATH, r#"{"identifiers": []}"#, Changes),
    ("PATCH", CLIENT_PATH, r#"{"allowed_networks": []}"#, Changes),
    (
        "PATCH",
        CLIENT_PATH,
        r#"{"auth_methods": ["client_secret_post"]}"#,
        Changes,
    ),
    ("PATCH", CLIENT_PATH, r#"{"jwks": null}"#, Changes),
    ("PATCH", CLIENT_PATH, r#"{"identities": []}"#, Changes),
    (
        "PATCH",
        CLIENT_PATH,
        r#"{"tls_client_auth_san_dns": null}"#,
        Changes,
    ),
    (
        "PATCH",
        CLIENT_PATH,
        r#"{"dpop_bound_access_tokens": false}"#,
        Changes,
    ),
    ("PATCH", CLIENT_PATH, r#"{"metadata": {"a": 1}}"#, Changes),
    ("PATCH", CLIENT_PATH, r#"{"exchange_rules": {}}"#, Changes),
    ("PATCH", CLIENT_PATH, r#"{"token_ttl": 60}"#, Changes),
    ("DELETE", CLIENT_PATH, "{}", Changes),
    ("POST", "/clients/{client_id}/enable", "{}", Changes),
    ("POST", "/clients/{client_id}/disable", "{}", Restricts),
    ("POST", "/clients/{client_id}/release", "{}", Changes),
    (
        "POST",
        "/clients/{client_id}/revoke-tokens",
        "{}",
        Restricts,
    ),
    ("POST", "/clients/{client_id}/secrets", "{}", Changes),
    (
        "DELETE",
        "/clients/{client_id}/secrets/{secret_id}",
        "{}",
        Changes,
    ),
    ("POST", EXPIRE, "{}", Changes),
    ("POST", EXPIRE, r#"{"expires_at": 9999999999}"#, Changes),
    ("POST", EXPIRE, r#"{"unused_for": 3600}"#, Changes),
    (
        "POST",
        "/transfer/import",
        r#"[{"client_id": "new", "client_secret": "a secret of my own", "scopes": "admin:read"}]"#,
        Changes,
    ),
    (
        "POST",
        "/transfer/import?on_conflict=replace",
        r#"[{"client_id": "{client_id}", "client_secret": "a secret of my own"}]"#,
        Changes,
    ),
    (
        "POST",
        "/transfer/apply",
        r#"{"version": 1, "name": "team", "clients": [{"client_id": "new", "scopes": "admin:read"}]}"#,
        Changes,
    ),
    (
        "POST",
        "/transfer/apply",
        r#"{"version": 1, "name": "team", "clients": [{"client_id": "{client_id}", "scopes": "read"}]}"#,
        Changes,
    ),
    (
        "POST",
        "/transfer/apply?prune=delete",
        r#"{"version": 1, "name": "kept", "clients": []}"#,
        Changes,
    ),
    (
        "POST",
        "/transfer/apply?prune=disable",
        r#"{"version": 1, "name": "kept", "clients": []}"#,
        Restricts,
    ),
    (
        "POST",
        "/tokens/revoke",
        r#"{"token": "{token}"}"#,
        Restricts,
    ),
    ("POST", "/tokens/inspect", "{}", Effect::None),
    ("POST", "/explain/exchange", "{}", Effect::None),
    ("POST", "/explain/assertion", "{}", Effect::None),
    ("POST", "/keys/rotate", "{}", Effect::None),
    ("POST", "/keys/prepare", "{}", Effect::None),
    ("POST", "/keys/{kid}/retire", "{}", Effect::None),
    ("DELETE", "/keys/{kid}", "{}", Effect::None),
    // Of these `identity::rights` holds it.
    ("POST", "/issuers", "{}", Effect::None),
    ("PATCH", "/issuers/{name}", "{}", Effect::None),
    ("DELETE", "/issuers/{name}", "{}", Effect::None),
    ("POST", "/issuers/{name}/enable", "{}", Effect::None),
    ("POST", "/issuers/{name}/disable", "{}", Effect::None),
    ("POST", "/issuers/{name}/check", "{}", Effect::None),
];

/// A client with a reserved scope, which the file `kept` keeps; a token of it.
pub(super) async fn chief(test: &TestApp, client_id: &str, scopes: &str) -> String {
    let secret = register(test, client_id, scopes).await;
    let file = format!(
        r#"{{"version":1,"name":"kept","clients":[{{"client_id":"{client_id}","scopes":"{scopes}"}}]}}"#
    );
    test.apply(&file).await.unwrap();
    token(test, client_id, &secret, "").await
}

async fn find(test: &TestApp, client_id: &str) -> ClientRecord {
    test.find_client(&id(client_id)).await
}

fn filled_in(text: &str, record: &ClientRecord, token: &str) -> String {
    text.replace("{client_id}", record.client.client_id.as_str())
        .replace("{secret_id}", record.secrets[0].secret_id.as_str())
        .replace("{token}", token)
}

#[test]
fn every_route_that_changes_something_is_in_the_table() {
    let routes = admin_api_routes();
    let mut listed: Vec<(&str, &str)> = routes
        .iter()
        .filter(|it| it.method != "GET")
        .map(|it| (it.method, it.path.strip_prefix("/admin/api/v1").unwrap()))
        .collect();
    let mut known: Vec<(&str, &str)> = TABLE
        .iter()
        .map(|(method, path, ..)| (*method, path.split('?').next().unwrap_or_default()))
        .collect();
    listed.sort_unstable();
    known.sort_unstable();
    known.dedup();

    assert_eq!(known, listed);
}

#[tokio::test]
async fn no_route_changes_a_client_with_a_reserved_scope_or_makes_one() {
    for scopes in ["admin:write", "token:introspect"] {
        let test = TestApp::new().await;
        let robot = Robot::new(&test).await;
        for (at, (method, path, body, effect)) in TABLE.iter().enumerate() {
            if *effect == Effect::None {
                continue;
            }
            let name = format!("chief-{at}");
            let token = chief(&test, &name, scopes).await;
            let before = find(&test, &name).await;
            let path = filled_in(path, &before, &token);
            let body: Value =
                token_server::base::json::from_str(&filled_in(body, &before, &token)).unwrap();

            let answer = robot
                .send(method, &path, &[("if-match", "*")], Some(&body))
                .await;

            if *effect == Restricts {
                assert!(answer.status < 300, "{method} {path}: {}", answer.text());
            } else {
                assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
                answer.assert_error(403, "access_denied");
                let told = answer.json()["error_description"].to_string();
                assert!(told.contains("an owner at the portal"), "{told}");
                assert_eq!(find(&test, &name).await, before, "{method} {path}");
                assert!(!test.app.store().has_client(&id("new")).await.unwrap());
            }
            // Else the next file would prune it too.
            let by = crate::harness::BY;
            test.app
                .clients
                .delete(by, &id(&name), &ExpectedVersion::Any)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn no_scope_of_the_api_is_enough_and_none_but_one_gets_that_far() {
    let test = TestApp::new().await;
    let secret = register(&test, ROBOT, "admin:export admin:read admin:write").await;
    chief(&test, "chief", "revocations:read").await;
    let before = find(&test, "chief").await;
    for scope in [READ, WRITE, EXPORT] {
        let bearer = format!("Bearer {}", token(&test, ROBOT, &secret, scope).await);
        for (method, path, body, effect) in TABLE {
            if *effect != Changes {
                continue;
            }
            let path = filled_in(path, &before, "");
            let body = filled_in(body, &before, "");
            let body: Value = token_server::base::json::from_str(&body).unwrap();
            let headers = [("authorization", bearer.as_str()), ("if-match", "*")];
            let answer = send(&test, method, &path, &headers, Some(&body)).await;
            let code = match scope {
                WRITE => "access_denied",
                _ => "insufficient_scope",
            };
            answer.assert_error(403, code);
        }
    }
    assert_eq!(find(&test, "chief").await, before);
}

#[tokio::test]
async fn a_client_with_admin_write_does_not_change_itself_but_may_disable_itself() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let path = format!("/clients/{ROBOT}");

    for answer in [
        robot
            .patch(&path, "*", &json!({"scopes": "admin:export admin:write"}))
            .await,
        robot.patch(&path, "*", &json!({"scopes": "read"})).await,
        robot.post(&format!("{path}/secrets"), &json!({})).await,
        robot.post(&format!("{path}/release"), &json!({})).await,
        robot.delete(&path, "*").await,
    ] {
        answer.assert_error(403, "access_denied");
    }
    let off = robot.post(&format!("{path}/disable"), &json!({})).await;
    assert_eq!(off.status, 200);
    robot
        .get("/clients")
        .await
        .assert_error(401, "invalid_token");
}

#[tokio::test]
async fn no_spelling_of_a_reserved_scope_gets_past() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    for scopes in [
        "admin:read",
        "  admin:write  read",
        "read admin:x",
        "admin:",
        "token:introspect",
        "revocations:read",
    ] {
        let body = json!({"scopes": scopes});
        let answer = robot.post("/clients", &body).await;
        answer.assert_error(403, "access_denied");
        let answer = robot.patch("/clients/billing", "*", &body).await;
        answer.assert_error(403, "access_denied");
    }
    for scopes in ["admin:read\t", "admin:read\u{a0}x", "\u{feff}admin:read"] {
        let answer = robot.post("/clients", &json!({"scopes": scopes})).await;
        answer.assert_error(400, "invalid_request");
    }
    assert_eq!(
        find(&test, CLIENT).await.client.scopes.as_str(),
        "read write"
    );
}

#[tokio::test]
async fn a_disabled_client_with_a_reserved_scope_is_no_easier_to_change() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let new = NewClient {
        scopes: Scope::parse("admin:write").unwrap(),
        ..new_client("chief")
    };
    test.register(new).await;
    let off = robot.post("/clients/chief/disable", &json!({})).await;
    assert_eq!(off.status, 200);

    for path in ["secrets", "enable"] {
        let answer = robot
            .post(&format!("/clients/chief/{path}"), &json!({}))
            .await;
        answer.assert_error(403, "access_denied");
    }
}

/// Registers `billing`, which is `https://own.test`.
async fn billing(test: &TestApp) -> ClientRecord {
    let new = NewClient {
        identifiers: Identifiers::parse("https://own.test").unwrap(),
        ..new_client(CLIENT)
    };
    test.register(new).await;
    find(test, CLIENT).await
}
