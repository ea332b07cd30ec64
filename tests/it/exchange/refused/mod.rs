//! What is not exchanged, and what the requester is told (RFC 8693 §2.2.2).

mod tokens;

use token_server::domain::{ClientChanges, ClientStatus, Scope};

use super::{ACCESS_TOKEN, LOOP, ORDERS, SHOP, STOCK, Scene, assert_refused};
use crate::harness::{BY, id};

#[tokio::test]
async fn a_wider_scope() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    for scope in ["delete", "buy", "view"] {
        let more = [("scope", scope)];
        let answer = scene.exchange_with("shop", &first, ORDERS, &more).await;
        assert_refused(&answer, "invalid_scope", scope);
    }
    let malformed = [("scope", "\"")];
    let answer = scene
        .exchange_with("shop", &first, ORDERS, &malformed)
        .await;
    answer.assert_error(400, "invalid_scope");
}

#[tokio::test]
async fn a_subject_whose_scopes_give_nothing() {
    let scene = Scene::new().await;
    let changes = ClientChanges {
        scopes: Scope::parse("other read write").ok(),
        ..ClientChanges::default()
    };
    scene.change("app", changes).await;
    let first = scene.token("app", SHOP).await;

    // The map gives no scope for `read` itself.
    let answer = scene.exchange("shop", &first, ORDERS).await;
    assert_refused(&answer, "invalid_scope", "gives no scope");
}

#[tokio::test]
async fn the_token_of_another_caller_of_the_same_service() {
    let scene = Scene::new().await;
    scene
        .set_rules("other-app", r#"{"https://shop.test":{"scopes":"view"}}"#)
        .await;
    let first = scene.token("app", SHOP).await;

    for target in [SHOP, ORDERS] {
        let answer = scene.exchange("other-app", &first, target).await;
        assert_refused(
            &answer,
            "invalid_request",
            "was not issued to this client, and its audience",
        );
    }
}

#[tokio::test]
async fn a_token_that_another_client_sent_to_a_third_service() {
    let scene = Scene::new().await;
    let for_stock = scene.token("app", STOCK).await;
    let chain = scene.chain().await;

    for token in [&for_stock, &chain[2]] {
        let answer = scene.exchange("shop", token, ORDERS).await;
        assert_refused(
            &answer,
            "invalid_request",
            "was not issued to this client, and its audience",
        );
    }
    // The second token is the shop's own: it can be narrowed, and no more.
    let answer = scene.exchange("shop", &chain[1], STOCK).await;
    assert_refused(
        &answer,
        "invalid_target",
        "only for an audience of that token",
    );
}

#[tokio::test]
async fn an_own_token_for_a_target_outside_its_audiences() {
    let scene = Scene::new().await;
    let rules =
        r#"{"https://stock.test":{"scopes":"view"},"https://orders.test":{"scopes":"view"}}"#;
    scene.set_rules("app", rules).await;
    let first = scene.token("app", SHOP).await;

    // Also for one that the client may ask for itself.
    for target in [STOCK, ORDERS] {
        let answer = scene.exchange("app", &first, target).await;
        assert_refused(
            &answer,
            "invalid_target",
            "only for an audience of that token",
        );
    }
}

#[tokio::test]
async fn an_expired_root() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    // At its end `/verify` still has a leeway.
    scene.test.clock.advance(3_600);
    assert_eq!(scene.test.verify(&chain[0]).await.status, 200);

    for (requester, token, target) in [("shop", &chain[0], ORDERS), ("orders", &chain[1], STOCK)] {
        for _ in 0..2 {
            let answer = scene.exchange(requester, token, target).await;
            assert_refused(&answer, "invalid_request", "the token is expired");
            scene.test.clock.advance(10);
        }
    }
}

#[tokio::test]
async fn a_revoked_root() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    let tokens = &scene.test.app.tokens;
    tokens.revoke(BY, &chain[0]).await.unwrap();

    for (requester, token, target) in [("shop", &chain[0], ORDERS), ("orders", &chain[1], STOCK)] {
        let answer = scene.exchange(requester, token, target).await;
        assert_refused(&answer, "invalid_request", "the token is revoked");
    }
}

#[tokio::test]
async fn a_root_of_a_disabled_client() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    let clients = &scene.test.app.clients;
    let off = ClientStatus::Disabled;
    clients.set_status(BY, &id("app"), off).await.unwrap();

    for (requester, token, target) in [("shop", &chain[0], ORDERS), ("orders", &chain[1], STOCK)] {
        let answer = scene.exchange(requester, token, target).await;
        assert_refused(&answer, "invalid_request", "the token is revoked");
    }
    let on = ClientStatus::Enabled;
    clients.set_status(BY, &id("app"), on).await.unwrap();
    let answer = scene.exchange("orders", &chain[1], STOCK).await;
    assert_refused(&answer, "invalid_request", "the token is revoked");
}

#[tokio::test]
async fn the_sixth_exchange_of_a_chain() {
    let scene = Scene::new().await;
    let mut token = scene.token("loop", "").await;
    for depth in 1..=5 {
        token = scene.exchanged("loop", &token, LOOP).await;
        let claims = super::claims(&token);
        assert_eq!(claims["roots"].as_array().unwrap().len(), depth);
        assert_eq!(scene.test.verify(&token).await.status, 200);
    }

    let answer = scene.exchange("loop", &token, LOOP).await;
    assert_refused(&answer, "invalid_request", "from 5 exchanges");
}

#[tokio::test]
async fn this_server_and_its_admin_api_as_the_target() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    for target in [
        "https://tokens.test",
        "https://tokens.test/",
        "https://tokens.test/admin/api",
        "https://tokens.test/admin/api/",
    ] {
        let answer = scene.exchange("shop", &first, target).await;
        assert_refused(&answer, "invalid_target", "this server itself");
    }
    // Also a client's own token that is for the admin API.
    let changes = ClientChanges {
        audiences: token_server::domain::Audience::parse_list("https://tokens.test/admin/api").ok(),
        ..ClientChanges::default()
    };
    scene.change("app", changes).await;
    let own = scene.token("app", "").await;
    let answer = scene
        .exchange("app", &own, "https://tokens.test/admin/api")
        .await;
    assert_refused(&answer, "invalid_target", "this server itself");
}

#[tokio::test]
async fn two_targets_or_none() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let subject = [
        ("subject_token", &*first),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    for targets in [
        &[("audience", ORDERS), ("resource", ORDERS)][..],
        &[("resource", ORDERS), ("resource", STOCK)],
        &[("resource", ORDERS), ("resource", ORDERS)],
        &[("resource", "orders")],
        &[("resource", "https://orders.test#a")],
        &[("audience", "a b")],
        &[("audience", ORDERS), ("audience", STOCK)],
    ] {
        let answer = scene.ask("shop", &[&subject, targets].concat()).await;
        answer.assert_error(400, "invalid_target");
    }
    for targets in [&[][..], &[("audience", "")]] {
        let answer = scene.ask("shop", &[&subject, targets].concat()).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_requester_without_a_rule() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let for_stock = scene.token("app", STOCK).await;

    // For another target than the rule's; of a service that has none at all; of a client that would narrow its own.
    for (requester, token, target) in [
        ("shop", &first, STOCK),
        ("stock", &for_stock, ORDERS),
        ("app", &first, SHOP),
    ] {
        let answer = scene.exchange(requester, token, target).await;
        assert_refused(&answer, "invalid_target", "no exchange rule");
    }
    scene.set_rules("shop", "{}").await;
    let answer = scene.exchange("shop", &first, ORDERS).await;
    assert_refused(&answer, "invalid_target", "no exchange rule");
}

/// The audiences that a client may ask tokens for say nothing of what it is.
#[tokio::test]
async fn a_requester_that_is_not_the_audience_but_may_ask_for_it() {
    let scene = Scene::new().await;
    scene
        .set_rules("other-app", r#"{"https://orders.test":{"scopes":"view"}}"#)
        .await;
    let first = scene.token("app", SHOP).await;

    let answer = scene.exchange("other-app", &first, ORDERS).await;
    assert_refused(
        &answer,
        "invalid_request",
        "was not issued to this client, and its audience",
    );
}

#[tokio::test]
async fn a_requester_that_does_not_prove_itself() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let params = [
        ("grant_type", super::GRANT),
        ("subject_token", &*first),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", ORDERS),
    ];

    let alone = scene.test.post_form("/token", &params).await;
    let wrong = scene.test.post_basic("/token", "shop:wrong", &params).await;

    alone.assert_error(401, "invalid_client");
    wrong.assert_error(401, "invalid_client");
}
