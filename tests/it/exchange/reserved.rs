//! Reserved scopes: no token with one is exchanged, and none comes of an exchange. That nobody writes a rule with one is tested in
//! `rules`.

use serde_json::json;
use token_server::domain::{ClientChanges, Scope};

use super::{ACCESS_TOKEN, GRANT, ORDERS, SHOP, Scene, assert_refused};
use crate::harness::{Answer, TestApp};

/// Of each kind of them one.
const RESERVED: [&str; 4] = [
    "admin:read",
    "admin:anything",
    "token:introspect",
    "revocations:read",
];

#[tokio::test]
async fn a_subject_token_with_a_reserved_scope() {
    let scene = Scene::new().await;
    for reserved in RESERVED {
        let changes = ClientChanges {
            scopes: Scope::parse(&format!("buy {reserved}")).ok(),
            ..ClientChanges::default()
        };
        scene.change("app", changes).await;
        let first = scene.token("app", SHOP).await;
        let answer = scene.exchange("shop", &first, ORDERS).await;
        assert_refused(&answer, "invalid_request", "reserved scope");
    }
}

/// Neither by the name of the scope, nor by that of a target.
#[tokio::test]
async fn a_reserved_scope_that_is_asked_for() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    for reserved in RESERVED {
        let more = [("scope", reserved)];
        let answer = scene.exchange_with("shop", &first, ORDERS, &more).await;
        assert_refused(&answer, "invalid_scope", reserved);
        let answer = scene.exchange("shop", &first, reserved).await;
        assert_refused(&answer, "invalid_target", "no exchange rule");
    }
}

/// A scope may become reserved in a later release, or somebody writes to the database.
#[tokio::test]
async fn a_stored_rule_that_gives_a_reserved_scope() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    for reserved in RESERVED {
        for scope in ["", "read", reserved] {
            let answer = exchange_by_stored_rule(&scene, &first, reserved, scope).await;
            assert_refused(&answer, "invalid_scope", "is reserved");
        }
    }
    let answer = exchange_by_stored_rule(&scene, &first, "write", "").await;
    assert_eq!(answer.json()["scope"], "read write");
}

/// What a replica answers that reads the client after a rule was written that gives this scope too.
async fn exchange_by_stored_rule(scene: &Scene, token: &str, gives: &str, asked: &str) -> Answer {
    let rule =
        json!({ "scopes": format!("read {gives}"), "map": { "view": format!("read {gives}") } });
    let rules = json!({ ORDERS: rule });
    let database = &scene.test.database;
    let write = format!("update clients set exchange_rules = '{rules}' where client_id = 'shop'");
    assert_eq!(database.execute(&write).await, 1);
    let test = TestApp::on(database.clone(), &[]).await;
    let params = [
        ("grant_type", GRANT),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", ORDERS),
        ("scope", asked),
    ];
    let userinfo = scene.userinfo("shop");
    test.post_basic("/token", &userinfo, &params).await
}
