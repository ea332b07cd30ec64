//! What `/verify` and `/introspect` say of an exchanged token, and the requirement `actor`.

use serde_json::json;

use super::{ORDERS, SHOP, STOCK, Scene, claims, root};
use crate::harness::{Answer, BY};

async fn verify(scene: &Scene, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    scene
        .test
        .get_with(path, &[("authorization", &bearer)])
        .await
}

#[tokio::test]
async fn both_say_who_acts_for_whom_and_what_it_came_from() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    let verified = scene.test.verify(&chain[2]).await;
    let userinfo = scene.userinfo("stock");
    let form = [("token", &*chain[2])];
    let introspected = scene.test.post_basic("/introspect", &userinfo, &form);

    for answer in [&verified, &introspected.await] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        assert_eq!(
            json["act"],
            json!({"sub": "orders", "act": {"sub": "shop"}})
        );
        assert_eq!(json["roots"], json!([root(&chain[0]), root(&chain[1])]));
        assert_eq!(
            (&json["sub"], &json["client_id"]),
            (&json!("app"), &json!("orders"))
        );
    }
    assert_eq!(verified.header("x-token-subject"), "app");
    assert_eq!(verified.header("x-token-actor"), "orders");
    assert_eq!(verified.header("x-token-client-id"), "orders");
}

#[tokio::test]
async fn a_token_of_no_exchange_has_a_subject_and_no_actor() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;

    let answer = scene.test.verify(&first).await;

    assert_eq!(answer.header("x-token-subject"), "app");
    // There all the same, so that a proxy replaces what a caller made up.
    let actors: Vec<_> = answer.headers.get_all("x-token-actor").iter().collect();
    assert_eq!(actors, [""]);
    assert!(claims(&first).get("act").is_none() && claims(&first).get("roots").is_none());
}

/// RFC 8693 §4.1: no decision reads a nested actor.
#[tokio::test]
async fn a_required_actor_is_the_outermost_one() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    for (token, actor) in [(&chain[0], ""), (&chain[1], "shop"), (&chain[2], "orders")] {
        for asked in ["app", "shop", "orders", "nobody"] {
            for (path, rest) in [("/verify?actor=", ""), ("/verify/requiring/actor=", "/")] {
                let answer = verify(&scene, &format!("{path}{asked}{rest}"), token).await;
                if asked == actor {
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    continue;
                }
                answer.assert_error(403, "insufficient_scope");
                assert!(
                    answer
                        .text()
                        .contains(&format!("`{asked}` is not the client"))
                );
                let challenge = answer.header("www-authenticate");
                assert!(
                    challenge.contains(r#"error="insufficient_scope""#)
                        && !challenge.contains("scope="),
                    "{challenge}"
                );
            }
        }
    }
    let all = format!("/verify?scope=read&audience={STOCK}&actor=orders");
    assert_eq!(verify(&scene, &all, &chain[2]).await.status, 200);
    let in_body = [("token", &*chain[1]), ("actor", "orders")];
    let answer = scene.test.post_form("/verify", &in_body).await;
    answer.assert_error(403, "insufficient_scope");
    let other = format!("/verify?audience={ORDERS}&actor=orders");
    let answer = verify(&scene, &other, &chain[2]).await;
    answer.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn an_actor_that_is_not_understood_is_refused() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    for query in [
        "actor=",
        "actor=a%20b",
        "actor=shop&actor=shop",
        "actors=shop",
        "Actor=shop",
    ] {
        for (path, rest) in [("/verify?", ""), ("/verify/requiring/", "/")] {
            let answer = verify(&scene, &format!("{path}{query}{rest}"), &chain[1]).await;
            answer.assert_error(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn an_inspected_token_shows_actors_and_roots_and_which_root_was_revoked() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    let tokens = &scene.test.app.tokens;

    let good = tokens.inspect(&chain[2]).await.unwrap();
    tokens.revoke(BY, &chain[0]).await.unwrap();
    let ended = tokens.inspect(&chain[2]).await.unwrap();

    assert!(good.good && !ended.good);
    assert_eq!(good.claims["act"], claims(&chain[2])["act"]);
    assert_eq!(
        good.claims["roots"],
        json!([root(&chain[0]), root(&chain[1])])
    );
    let jti = claims(&chain[0])["jti"].as_str().unwrap().to_owned();
    let why = format!("its root {jti} was revoked");
    assert!(ended.verdict.contains(&why), "{}", ended.verdict);
}
