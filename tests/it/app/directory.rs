//! The client directory: never wrong about a change of this process. What others change is in `feed`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use token_server::domain::{ClientChanges, ClientId, ClientStatus, Scope};

use crate::harness::{CLIENT, TestApp};

fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

fn scopes(text: &str) -> ClientChanges {
    ClientChanges {
        scopes: Some(Scope::parse(text).unwrap()),
        ..ClientChanges::default()
    }
}

#[tokio::test]
async fn a_change_of_this_process_is_heeded_at_once() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    assert_eq!(
        test.authorize(CLIENT, &secret).await.json()["scope"],
        "read write"
    );

    test.update_client(&id(), scopes("other")).await;
    assert_eq!(
        test.authorize(CLIENT, &secret).await.json()["scope"],
        "other"
    );

    test.set_client_status(&id(), ClientStatus::Disabled).await;
    test.authorize(CLIENT, &secret)
        .await
        .assert_error(401, "invalid_client");

    test.set_client_status(&id(), ClientStatus::Enabled).await;
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);

    test.delete_client(&id()).await;
    test.authorize(CLIENT, &secret)
        .await
        .assert_error(401, "invalid_client");
}

#[tokio::test]
async fn a_client_registered_by_another_process_is_known_at_once() {
    let test = TestApp::new().await;
    let other = test.replica().await;
    test.authorize(CLIENT, "tks_unknown")
        .await
        .assert_error(401, "invalid_client");

    let secret = other.client().await;

    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
}

/// Logins go on while the client is switched off again and again: once a switch has returned, no login
/// that begins after it may succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_login_succeeds_after_disabling_has_returned() {
    let test = Arc::new(TestApp::new().await);
    let secret = test.client().await;
    let stop = Arc::new(AtomicBool::new(false));
    let noise: Vec<_> = (0..3)
        .map(|_| {
            let (test, secret, stop) = (Arc::clone(&test), secret.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    test.authorize(CLIENT, &secret).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();

    for _ in 0..50 {
        test.set_client_status(&id(), ClientStatus::Disabled).await;
        assert_ne!(test.authorize(CLIENT, &secret).await.status, 200);
        test.set_client_status(&id(), ClientStatus::Enabled).await;
    }

    stop.store(true, Ordering::Relaxed);
    for one in noise {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn a_cache_without_room_still_answers_rightly() {
    let test = TestApp::with(&[("CLIENT_CACHE_SIZE", "0"), ("PROVED_SECRETS", "0")]).await;
    let secret = test.client().await;

    for _ in 0..3 {
        assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
        test.authorize(CLIENT, "wrong")
            .await
            .assert_error(401, "invalid_client");
    }
}
