//! The lanes of hashing: slow work in one of them holds up no other, and a full queue answers 503.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use futures_util::poll;
use token_server::app::{NewAdmin, NewPassword};
use token_server::base::secret::Secret;
use token_server::domain::{AdminName, AdminRole, ClientId, ClientStatus};

use crate::harness::lanes::{ENDLESS, LANES, ONE_PLACE, admin_log_in, drive, lanes};
use crate::harness::{Answer, BY, CLIENT, TestApp, form, new_client};

const PASSWORD: &str = "correct horse battery";

fn assert_full(answer: &Answer) {
    answer.assert_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn slow_work_in_the_lane_of_chosen_secrets_holds_up_no_other_lane() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let new = NewAdmin {
        name: AdminName::parse("olga").unwrap(),
        role: AdminRole::Owner,
    };
    let password = NewPassword::Chosen(Secret::from(PASSWORD));
    test.app.admins.create(BY, new, password).await.unwrap();
    let slow = TestApp::on(test.database.clone(), &[ENDLESS]).await;
    let mut guesses: Vec<_> = (0..6)
        .map(|_| Box::pin(slow.authorize("nobody", "a guess")))
        .collect();
    for (waiting, guess) in guesses.iter_mut().enumerate() {
        drive(&slow, guess, 1, (1, waiting)).await;
    }

    let fresh = slow.authorize(CLIENT, &secret).await;
    let mut admin = Box::pin(
        slow.app
            .admins
            .log_in(None, admin_log_in("another password")),
    );
    drive(&slow, &mut admin, 2, (1, 0)).await;

    assert_eq!(fresh.status, 200, "{}", fresh.text());
    for guess in &mut guesses {
        assert!(poll!(guess).is_pending());
    }
    assert_eq!(lanes(&slow)[1], (1, 5));
}

#[tokio::test]
async fn beyond_the_queue_of_a_lane_every_endpoint_answers_503_and_the_other_lanes_go_on() {
    let test = TestApp::with(&[ENDLESS, ONE_PLACE]).await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let mut running = Box::pin(test.authorize("nobody", "a guess"));
    drive(&test, &mut running, 1, (1, 0)).await;
    let mut waiting = Box::pin(test.authorize("nobody", "a guess"));
    drive(&test, &mut waiting, 1, (1, 1)).await;

    let refused = test.authorize("nobody", "a guess").await;
    assert_full(&refused);
    assert_eq!(refused.json()["success"], false);
    let own = [("token", token.as_str())];
    for (path, params) in [
        ("/token", [("grant_type", "client_credentials")]),
        ("/introspect", own),
        ("/revoke", own),
    ] {
        assert_full(&test.post_basic(path, "nobody:a%20guess", &params).await);
    }

    let userinfo = format!("{CLIENT}:{secret}");
    let introspected = test.post_basic("/introspect", &userinfo, &own).await;
    assert_eq!(introspected.json()["active"], true);
    let secret = test.register(new_client("fresh")).await;
    assert_eq!(test.authorize("fresh", &secret).await.status, 200);
}

#[tokio::test]
async fn a_source_gives_the_place_of_its_newest_login_to_another_source() {
    let test = TestApp::with(&[ENDLESS, ("HASHING_QUEUE", "2")]).await;
    let guess = |source: &'static str| {
        let body = form(&[("client_id", "nobody"), ("client_secret", "a guess")]);
        let request = Request::post("/authorize")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body));
        Box::pin(test.call_from(source, request.unwrap()))
    };
    let mut calls = [guess("192.0.2.1"), guess("192.0.2.1"), guess("192.0.2.1")];
    for (waiting, call) in calls.iter_mut().enumerate() {
        drive(&test, call, 1, (1, waiting)).await;
    }

    let alone = guess("192.0.2.1").await;
    let mut other = guess("192.0.2.2");
    let [running, first, second] = &mut calls;
    while poll!(&mut other).is_pending() && poll!(&mut *second).is_pending() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let another = guess("192.0.2.3").await;

    assert_full(&alone);
    // Two sources have one place each.
    assert_full(&another);
    assert!(poll!(&mut other).is_pending());
    assert!(poll!(running).is_pending());
    assert!(poll!(first).is_pending());
    assert_eq!(lanes(&test)[1], (1, 2));
    assert_eq!(test.app.metrics().lanes[1].refused, 3);
}

#[tokio::test]
async fn the_lane_follows_from_the_stored_hash() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let chosen = test
        .app
        .secrets
        .new_secret(Some("chosen by a human".into()), None);
    let new = new_client("chosen");
    let registered = test.app.clients.register(BY, new, Some(chosen.unwrap()));
    registered.await.unwrap();
    // What the server made before ARGON2_GENERATED was lowered takes more work until it is renewed.
    let lowered = TestApp::on(
        test.database.clone(),
        &[("ARGON2_GENERATED", "m=8,t=1,p=1"), ("PROVED_SECRETS", "0")],
    );
    let (lowered, stronger) = (
        lowered.await,
        TestApp::on(
            test.database.clone(),
            &[("ARGON2_GENERATED", "m=64,t=1,p=1")],
        )
        .await,
    );
    let heavy_secret = stronger.register(new_client("heavy")).await;

    for (client, secret, lane) in [
        (CLIENT, secret.as_str(), "generated"),
        ("unknown", &secret, "generated"),
        ("chosen", "a wrong guess", "chosen"),
        ("unknown", "a wrong guess", "chosen"),
        ("heavy", &heavy_secret, "chosen"),
    ] {
        let before = lanes(&lowered);
        lowered.authorize(client, secret).await;
        let after = lanes(&lowered);
        let begun = LANES.iter().zip(before.iter().zip(after));
        let begun = begun.filter(|(_, (before, after))| after.0 > before.0);
        let begun: Vec<&str> = begun.map(|(name, _)| *name).collect();
        assert!(begun.contains(&lane), "{client}: {begun:?}");
        // The outdated hash is renewed in the lane of the new one.
        let others = begun.iter().filter(|it| **it != lane).count();
        assert!(others == 0 || client == "heavy", "{client}: {begun:?}");
    }
}

#[tokio::test]
async fn unknown_disabled_and_wrong_wait_in_one_lane() {
    let test = TestApp::with(&[ENDLESS, ONE_PLACE]).await;
    test.client().await;
    for id in ["off", "on"] {
        test.register(new_client(id)).await;
    }
    let off = ClientId::parse("off").unwrap();
    test.set_client_status(&off, ClientStatus::Disabled).await;
    let mut running = Box::pin(test.authorize("nobody", "a guess"));
    drive(&test, &mut running, 1, (1, 0)).await;
    let mut waiting = Box::pin(test.authorize("nobody", "a guess"));
    drive(&test, &mut waiting, 1, (1, 1)).await;

    for client in ["nobody", "off", "on"] {
        let answer = test.authorize(client, "a guess").await;
        assert_full(&answer);
    }
}
