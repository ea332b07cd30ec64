//! What is not taken for a subject token or an actor token.

use serde_json::json;
use token_server::domain::{ClientChanges, Scope};

use crate::exchange::{ACCESS_TOKEN, JWT, LOOP, ORDERS, SHOP, Scene, assert_refused, token_at};
use crate::harness::{BY, SECRET};

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
    let claims = crate::exchange::claims(&first);
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
        token = answer.access_token();
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
