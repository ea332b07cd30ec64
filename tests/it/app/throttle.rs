//! Guessing is throttled, and nobody is locked out by it who has proved their secret.

use crate::harness::{CLIENT, TestApp};

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
