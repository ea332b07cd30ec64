//! Guessing is throttled, and nobody is locked out by it who has proved their secret.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use futures_util::future::join_all;
use futures_util::{StreamExt, poll, stream};

use crate::harness::{Answer, BY, CLIENT, TestApp, form, new_client};

const CHOSEN: &str = "chosen by a human";

/// Hashing that takes so long that a login holds its place while others come.
const SLOW: (&str, &str) = ("ARGON2_CHOSEN", "m=65536,t=2,p=1");

/// `POST /authorize` of [`CLIENT`] from this address.
async fn log_in(test: &TestApp, source: &str, secret: &str) -> Answer {
    let body = form(&[("client_id", CLIENT), ("client_secret", secret)]);
    let request = Request::post("/authorize")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body));
    test.call_from(source, request.unwrap()).await
}

/// Registers [`CLIENT`] with the secret [`CHOSEN`].
async fn client_with_chosen_secret(test: &TestApp) {
    let new = new_client(CLIENT);
    let secret = test
        .app
        .secrets
        .new_secret(Some(CHOSEN.into()), None)
        .unwrap();
    test.app
        .clients
        .register(BY, new, Some(secret))
        .await
        .unwrap();
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|it| it.status == status).count()
}

fn hashes(test: &TestApp) -> u64 {
    test.app.metrics().hashes()
}

#[tokio::test]
async fn guessing_in_one_name_is_refused_after_some_failures_until_the_window_ends() {
    let test = TestApp::with(&[("THROTTLE_CLIENT_FAILURES", "3")]).await;
    test.client().await;
    for _ in 0..3 {
        test.authorize(CLIENT, "wrong")
            .await
            .assert_error(401, "invalid_client");
    }

    let refused = test.authorize(CLIENT, "wrong").await;

    refused.assert_error(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "60");
    test.clock.advance(60);
    test.authorize(CLIENT, "wrong")
        .await
        .assert_error(401, "invalid_client");
}

#[tokio::test]
async fn an_unknown_client_is_throttled_like_a_known_one() {
    let test = TestApp::with(&[("THROTTLE_CLIENT_FAILURES", "1")]).await;

    test.authorize("nobody", "wrong")
        .await
        .assert_error(401, "invalid_client");

    test.authorize("nobody", "wrong")
        .await
        .assert_error(429, "rate_limited");
}

#[tokio::test]
async fn a_proved_secret_is_answered_before_any_throttle() {
    for throttle in ["THROTTLE_SOURCE_FAILURES", "THROTTLE_CLIENT_FAILURES"] {
        let test = TestApp::with(&[(throttle, "2")]).await;
        let secret = test.client().await;
        test.token(&secret).await;

        for _ in 0..5 {
            test.authorize(CLIENT, "wrong").await;
        }

        test.authorize(CLIENT, "wrong")
            .await
            .assert_error(429, "rate_limited");
        test.token(&secret).await;
    }
}

#[tokio::test]
async fn good_logins_are_not_counted() {
    let test = TestApp::with(&[
        ("THROTTLE_SOURCE_FAILURES", "1"),
        ("THROTTLE_CLIENT_FAILURES", "1"),
        ("PROVED_SECRETS", "0"),
    ])
    .await;
    let secret = test.client().await;

    for _ in 0..5 {
        test.token(&secret).await;
    }
}

#[tokio::test]
async fn of_200_parallel_guesses_at_one_client_20_are_answered() {
    let test = TestApp::new().await;
    test.client().await;
    let before = hashes(&test);

    let guesses = (0..200).map(|n| format!("guess {n}"));
    let answers = join_all(guesses.map(async |guess| test.authorize(CLIENT, &guess).await)).await;

    assert_eq!((count(&answers, 401), count(&answers, 429)), (20, 180));
    assert_eq!(hashes(&test) - before, 20);
    let throttled = answers.iter().find(|it| it.status == 429).unwrap();
    assert_eq!(throttled.header("retry-after"), "60");
}

#[tokio::test]
async fn of_500_first_log_ins_of_one_address_100_at_a_time_all_succeed() {
    let test = TestApp::new().await;
    let mut clients = Vec::new();
    for n in 0..500 {
        let id = format!("client-{n}");
        let secret = test.register(new_client(&id)).await;
        clients.push((id, secret));
    }

    let log_ins = stream::iter(&clients).map(|(id, secret)| test.authorize(id, secret));
    let answers: Vec<Answer> = log_ins.buffer_unordered(100).collect().await;

    assert_eq!(count(&answers, 200), 500);
}

#[tokio::test]
async fn parallel_good_logins_of_one_client_wait_for_each_other_and_succeed() {
    let limits = [("THROTTLE_CLIENT_FAILURES", "2"), ("PROVED_SECRETS", "0")];
    let test = TestApp::with(&limits).await;
    let secret = test.client().await;

    let answers = join_all((0..50).map(|_| test.authorize(CLIENT, &secret))).await;

    assert_eq!(count(&answers, 200), 50);
    assert_eq!(test.app.metrics().logins_waiting[0].waiting, 0);
    assert_eq!(test.app.metrics().caches[3].entries, 0);
}

#[tokio::test]
async fn logins_beyond_the_queue_do_not_wait() {
    let limits = [
        ("THROTTLE_CLIENT_FAILURES", "1"),
        ("HASHING_QUEUE", "3"),
        SLOW,
    ];
    let test = TestApp::with(&limits).await;
    client_with_chosen_secret(&test).await;

    let answers = join_all((0..10).map(|_| test.authorize(CLIENT, CHOSEN))).await;

    assert_eq!((count(&answers, 200), count(&answers, 503)), (4, 6));
    let refused = answers.iter().find(|it| it.status == 503).unwrap();
    refused.assert_error(503, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(test.app.metrics().logins_waiting[0].refused, 6);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_its_place_to_the_next_and_gets_no_answer() {
    let test = TestApp::with(&[("THROTTLE_CLIENT_FAILURES", "1"), SLOW]).await;
    test.client().await;
    let mut gone = Box::pin(test.authorize(CLIENT, "wrong"));
    let mut gone_too = Box::pin(test.authorize(CLIENT, "wrong"));
    let mut next = Box::pin(test.authorize(CLIENT, "wrong"));
    for it in [&mut gone, &mut gone_too, &mut next] {
        assert!(poll!(it).is_pending());
    }
    assert_eq!(test.app.metrics().logins_waiting[0].waiting, 2);

    drop(gone_too);
    drop(gone);

    next.await.assert_error(401, "invalid_client");
    let after = test.authorize(CLIENT, "wrong").await;
    after.assert_error(429, "rate_limited");
}

#[tokio::test]
async fn over_its_limit_a_new_network_learns_nothing_of_a_chosen_secret() {
    let test = TestApp::with(&[("THROTTLE_CLIENT_FAILURES", "1")]).await;
    client_with_chosen_secret(&test).await;
    assert_eq!(log_in(&test, "192.0.2.1", CHOSEN).await.status, 200);
    assert_eq!(log_in(&test, "192.0.2.2", "wrong").await.status, 401);
    let before = hashes(&test);

    let right = log_in(&test, "192.0.2.2", CHOSEN).await;
    let wrong = log_in(&test, "192.0.2.2", "wrong").await;

    right.assert_error(429, "rate_limited");
    assert_eq!((right.status, right.text()), (wrong.status, wrong.text()));
    assert_eq!(right.header("retry-after"), wrong.header("retry-after"));
    assert_eq!(hashes(&test), before);
    test.clock.advance(60);
    assert_eq!(log_in(&test, "192.0.2.2", CHOSEN).await.status, 200);
}

#[tokio::test]
async fn over_its_limit_a_network_that_proved_a_chosen_secret_logs_in() {
    let test = TestApp::with(&[("THROTTLE_CLIENT_FAILURES", "1")]).await;
    client_with_chosen_secret(&test).await;
    for (proved, neighbour) in [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:db8::2"),
    ] {
        assert_eq!(log_in(&test, proved, CHOSEN).await.status, 200);
        assert_eq!(log_in(&test, proved, "wrong").await.status, 401);
        assert_eq!(log_in(&test, proved, "wrong").await.status, 429);

        assert_eq!(log_in(&test, neighbour, CHOSEN).await.status, 200);
    }
    assert_eq!(log_in(&test, "2001:db8:0:1::1", "wrong").await.status, 401);
    assert_eq!(log_in(&test, "2001:db8:0:1::1", CHOSEN).await.status, 429);
}

#[tokio::test]
async fn from_a_new_network_a_proved_chosen_secret_is_not_hashed_and_a_guess_is() {
    let test = TestApp::new().await;
    client_with_chosen_secret(&test).await;
    log_in(&test, "192.0.2.1", CHOSEN).await;
    let before = hashes(&test);

    assert_eq!(log_in(&test, "192.0.2.2", CHOSEN).await.status, 200);
    assert_eq!(hashes(&test), before);
    assert_eq!(log_in(&test, "192.0.2.3", "wrong").await.status, 401);
    assert_eq!(hashes(&test), before + 1);
}

#[tokio::test]
async fn of_the_networks_of_a_chosen_secret_the_latest_are_remembered() {
    let limits = [("THROTTLE_CLIENT_FAILURES", "1"), ("PROVED_NETWORKS", "2")];
    let test = TestApp::with(&limits).await;
    client_with_chosen_secret(&test).await;
    let sources = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
    for source in sources {
        assert_eq!(log_in(&test, source, CHOSEN).await.status, 200);
        assert_eq!(log_in(&test, source, "wrong").await.status, 401);
    }

    let mut statuses = Vec::new();
    for source in sources {
        statuses.push(log_in(&test, source, CHOSEN).await.status);
    }

    assert_eq!(statuses, [429, 200, 200]);
}
