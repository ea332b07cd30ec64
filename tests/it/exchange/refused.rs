//! What is not exchanged, and what the requester is told (RFC 8693 §2.2.2).

use serde_json::json;
use token_server::domain::{ClientChanges, ClientStatus, Scope};

use super::{
    ACCESS_TOKEN, JWT, LOOP, ORDERS, SHOP, STOCK, Scene, access_token, assert_refused, id, token_at,
};
use crate::harness::{BY, SECRET};

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
async fn an_actor_token_of_another_client() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    let first = scene.token("app", SHOP).await;
    let of_orders = scene.token("orders", "").await;
    // The last one is the shop's, but about the app.
    for actor in [&first, &of_orders, &chain[1]] {
        let more = [("actor_token", &**actor), ("actor_token_type", JWT)];
        let answer = scene.exchange_with("shop", &first, ORDERS, &more).await;
        assert_refused(&answer, "invalid_request", "not issued to this client");
    }
    let own = scene.token("shop", "").await;
    for more in [
        &[("actor_token", &*own)][..],
        &[("actor_token_type", ACCESS_TOKEN)],
        &[
            ("actor_token", "nonsense"),
            ("actor_token_type", ACCESS_TOKEN),
        ],
        &[
            ("actor_token", &*own),
            (
                "actor_token_type",
                "urn:ietf:params:oauth:token-type:id_token",
            ),
        ],
    ] {
        let answer = scene.exchange_with("shop", &first, ORDERS, more).await;
        answer.assert_error(400, "invalid_request");
    }
    scene.test.app.tokens.revoke(BY, &own).await.unwrap();
    let more = [("actor_token", &*own), ("actor_token_type", ACCESS_TOKEN)];
    let answer = scene.exchange_with("shop", &first, ORDERS, &more).await;
    assert_refused(&answer, "invalid_request", "the actor token is not valid");
}

/// Neither by what the requester calls it, nor by what it is.
#[tokio::test]
async fn a_token_that_is_like_an_id_token() {
    let scene = Scene::with(&[("SIGNING_ALG", "ES256")]).await;
    let first = scene.token("app", SHOP).await;
    for kind in [
        "urn:ietf:params:oauth:token-type:id_token",
        "urn:ietf:params:oauth:token-type:refresh_token",
        "urn:ietf:params:oauth:token-type:saml2",
        "access_token",
        "",
    ] {
        let params = [
            ("subject_token", &*first),
            ("subject_token_type", kind),
            ("audience", ORDERS),
        ];
        let answer = scene.ask("shop", &params).await;
        assert_refused(&answer, "invalid_request", "subject_token_type");
    }
    // Signed by this server, and no access token: an answer to an introspection.
    let userinfo = scene.userinfo("shop");
    let headers = [("accept", "application/token-introspection+jwt")];
    let params = [
        ("token", &*first),
        ("client_id", "shop"),
        ("client_secret", userinfo.split_once(':').unwrap().1),
    ];
    let signed = scene
        .test
        .post_form_with("/introspect", &params, &headers)
        .await;
    assert_eq!(signed.status, 200, "{}", signed.text());
    let params = [
        ("subject_token", signed.text()),
        ("subject_token_type", JWT),
        ("audience", ORDERS),
    ];
    let answer = scene.ask("shop", &params).await;
    assert_refused(&answer, "invalid_request", "the subject token is not valid");
}

#[tokio::test]
async fn an_id_token_under_our_key() {
    use aws_lc_rs::hmac;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let claims = super::claims(&first);
    let header = token_server::jwt::decode_unverified(&first).unwrap().0;
    let id_token = json!({"iss": claims["iss"], "sub": "app", "aud": SHOP, "exp": claims["exp"],
        "iat": claims["iat"], "nonce": "n"});
    let mut id_header = header.clone();
    id_header["typ"] = json!("JWT");
    for (header, payload) in [(&header, &id_token), (&id_header, &id_token)] {
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(payload));
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
        let token = format!("{signed}.{signature}");
        let params = [
            ("subject_token", &*token),
            ("subject_token_type", JWT),
            ("audience", ORDERS),
        ];
        let answer = scene.ask("shop", &params).await;
        assert_refused(&answer, "invalid_request", "not issued by this server");
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

#[tokio::test]
async fn what_is_no_token_of_this_server() {
    let scene = Scene::new().await;
    let foreign = Scene::with(&[("SECRET", "another secret, of more than 32 bytes")]).await;
    let first = scene.token("app", SHOP).await;
    let forged = foreign.token("app", SHOP).await;
    for token in ["nonsense", "a.b.c", &format!("{first}x"), &forged] {
        let answer = scene.exchange("shop", token, ORDERS).await;
        assert_refused(&answer, "invalid_request", "the subject token is not valid");
    }
    let params = [("subject_token_type", ACCESS_TOKEN), ("audience", ORDERS)];
    let answer = scene.ask("shop", &params).await;
    assert_refused(&answer, "invalid_request", "`subject_token` is missing");
}

/// A JSON object of 8 KiB, five roots and all actors make a token that nobody could send.
#[tokio::test]
async fn a_token_that_would_be_too_long() {
    let scene = Scene::new().await;
    let text = "x".repeat(8_000);
    let long_scope = |letter: &str| letter.repeat(1_000);
    let scopes = format!("{} {}", long_scope("a"), long_scope("b"));
    let changes = ClientChanges {
        metadata: token_server::domain::Metadata::parse(&json!({ "a": text }).to_string()).ok(),
        scopes: Scope::parse(&scopes).ok(),
        ..ClientChanges::default()
    };
    scene.change("loop", changes).await;
    scene
        .set_rules("loop", &json!({ LOOP: { "scopes": scopes } }).to_string())
        .await;
    let mut token = token_at(&scene.test, &scene.userinfo("loop"), "").await;
    let refused = loop {
        let answer = scene.exchange("loop", &token, LOOP).await;
        if answer.status != 200 {
            break answer;
        }
        token = access_token(&answer);
        assert_eq!(scene.test.verify(&token).await.status, 200);
    };
    let is_depth = refused.text().contains("from 5 exchanges");
    assert!(
        is_depth || refused.text().contains("16384"),
        "{}",
        refused.text()
    );
    refused.assert_error(400, "invalid_request");
}
