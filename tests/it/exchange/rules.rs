//! Who writes exchange rules, and which ones nobody can. That every front has the field is tested in `client_fields`.

use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{ClientChanges, ExpectedVersion, Scope};

use super::{Scene, parse_rules};
use crate::admin::{Browser, portal};
use crate::admin_api::Robot;
use crate::harness::{BY, CLIENT, TestApp, id, new_client};

/// Rules that nobody can write, and why.
const NEVER: &[(&str, &str)] = &[
    (
        r#"{"https://tokens.test":{"scopes":"a"}}"#,
        "this server itself",
    ),
    (
        r#"{"https://tokens.test/":{"scopes":"a"}}"#,
        "this server itself",
    ),
    (
        r#"{"https://tokens.test/admin/api":{"scopes":"a"}}"#,
        "this server itself",
    ),
    (
        r#"{"https://tokens.test/admin/api/":{"scopes":"a"}}"#,
        "this server itself",
    ),
    (r#"{"b":{"scopes":"admin:read"}}"#, "admin:read is reserved"),
    (
        r#"{"b":{"scopes":"a admin:none"}}"#,
        "admin:none is reserved",
    ),
    (
        r#"{"b":{"scopes":"token:introspect"}}"#,
        "token:introspect is reserved",
    ),
    (
        r#"{"b":{"scopes":"revocations:read"}}"#,
        "revocations:read is reserved",
    ),
    (
        r#"{"b":{"scopes":"a admin:x","map":{"c":"admin:x"}}}"#,
        "admin:x is reserved",
    ),
    (
        r#"{"b":{"scopes":"a","map":{"admin:write":"a"}}}"#,
        "admin:write is reserved",
    ),
    (
        r#"{"b":{"scopes":"a","map":{"c":"d"}}}"#,
        "gives `d` for `c`",
    ),
];

#[tokio::test]
async fn nobody_writes_a_rule_for_this_server_or_for_a_reserved_scope() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    for (rules, why) in NEVER {
        let value: serde_json::Value = token_server::base::json::from_str(rules).unwrap();
        let patch = json!({ "exchange_rules": value });
        let answers = [
            robot.patch("/clients/billing", "*", &patch).await,
            robot.post("/clients", &patch).await,
        ];
        for answer in answers {
            answer.assert_error(400, "invalid_request");
            let told = answer.text();
            assert!(
                told.contains(why) && told.contains("exchange_rules"),
                "{rules}: {told}"
            );
        }
        // At the command line neither.
        let Ok(rules) = token_server::domain::ExchangeRules::parse(rules) else {
            continue;
        };
        let changes = ClientChanges {
            exchange_rules: Some(rules),
            ..ClientChanges::default()
        };
        let (id, any) = (id(CLIENT), ExpectedVersion::Any);
        let done = test.app.clients.update(BY, &id, &any, changes).await;
        assert!(done.unwrap_err().description.contains(why));
    }
}

/// Of other clients they can be written by programs and operators: a rule gives only scopes that those could give to a client
/// themselves.
#[tokio::test]
async fn the_rules_of_a_client_with_a_reserved_scope_are_written_by_owners_only() {
    let test = portal().await;
    let rules = r#"{"https://orders.test":{"scopes":"read"}}"#;
    let reserved = NewClient {
        scopes: Scope::parse("token:introspect").unwrap(),
        ..new_client("gateway")
    };
    test.register(reserved).await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let value: serde_json::Value = token_server::base::json::from_str(rules).unwrap();
    let patch = json!({ "exchange_rules": value });

    let denied = robot.patch("/clients/gateway", "*", &patch).await;
    denied.assert_error(403, "access_denied");
    let row = json!([{ "client_id": "gateway", "client_secret": "a secret of the old server", "exchange_rules": value }]);
    let imported = robot
        .post("/transfer/import?on_conflict=replace", &row)
        .await;
    imported.assert_error(403, "access_denied");
    assert_eq!(
        robot.patch("/clients/billing", "*", &patch).await.status,
        200
    );

    let edit = async |name: &'static str| {
        let mut browser = Browser::of(&test, name).await;
        let form_url = "/admin/clients/gateway/edit";
        let page = browser.get(form_url).await;
        let version = page.text().split_once("name=\"version\" value=\"");
        let version = version.map_or("1", |(_, rest)| rest.split('"').next().unwrap());
        let form = [
            ("version", version),
            ("client_secret_basic", "yes"),
            ("scopes", "token:introspect"),
            ("exchange_rules", rules),
        ];
        browser.post(form_url, &form).await.status
    };
    assert_eq!(edit("omar").await, 403);
    let before = test.find_client(&id("gateway")).await;
    assert!(before.client.exchange_rules.is_empty());
    assert_eq!(edit("olga").await, 303);
    let after = test.find_client(&id("gateway")).await;
    assert_eq!(after.client.exchange_rules, parse_rules(rules));
}

/// What comes of the old rules is good until its end; the next exchange asks the new ones.
#[tokio::test]
async fn a_changed_rule_holds_at_once() {
    let scene = Scene::new().await;
    let first = scene.token("app", super::SHOP).await;
    scene.exchanged("shop", &first, super::ORDERS).await;

    scene
        .set_rules("shop", r#"{"https://stock.test":{"scopes":"view"}}"#)
        .await;

    let refused = scene.exchange("shop", &first, super::ORDERS).await;
    super::assert_refused(&refused, "invalid_target", "no exchange rule");
    scene.exchanged("shop", &first, super::STOCK).await;
}

#[tokio::test]
async fn the_page_of_a_client_draws_who_is_called_on_whose_behalf() {
    let test = portal().await;
    let new = NewClient {
        identifiers: token_server::domain::Identifiers::parse("https://shop.test").unwrap(),
        exchange_rules: parse_rules(
            r#"{"https://orders.test":{"scopes":"read write","map":{"view":"read"}},"https://a-service-with-a-name-that-is-long.test/<b>":{"scopes":"x"}}"#,
        ),
        ..new_client("shop")
    };
    test.register(new).await;
    test.client().await;
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera.get("/admin/clients/shop").await;
    let without = vera.get("/admin/clients/billing").await;

    for part in [
        "<svg viewBox=\"0 0 900 96\"",
        ">https://shop.test</text>",
        ">https://orders.test</text>",
        "<code>view → read</code>",
        "With a token for https://shop.test, shop may call ",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    assert!(!page.text().contains("/<b>"));
    assert!(!without.text().contains("On behalf of its callers"));
}
