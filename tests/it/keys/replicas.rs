//! Two replicas on one database.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use token_server::app::App;
use token_server::base::clock::Clock;

use super::{kept, kid, published, replica, signing, the};
use crate::harness::{BY, Database, NOW, TestApp, config};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_that_start_at_once_agree_on_the_first_keys() {
    let database = Database::fresh().await;
    let starting = (0..6).map(|_| {
        let config = config(&database.url, &[("SIGNING_ALG", "ES256")]);
        tokio::spawn(async move {
            let app = App::open(config, Clock::fixed(NOW)).unwrap();
            app.keys.start().await.unwrap();
            let keys = app.keys.current();
            keys.signing().unwrap().kid().clone()
        })
    });
    let mut signing = Vec::new();
    for replica in starting.collect::<Vec<_>>() {
        signing.push(replica.await.unwrap());
    }

    let test = TestApp::on(database, &[("SIGNING_ALG", "ES256")]).await;
    let active = the(&test, "active").await.kid;
    assert!(signing.iter().all(|kid| *kid == active), "{signing:?}");
    the(&test, "next").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_that_is_due_on_every_replica_happens_once() {
    let one = Arc::new(signing("ES256").await);
    let other = Arc::new(replica(&one, "ES256").await);
    let next = the(&one, "next").await.kid;
    for test in [&one, &other] {
        test.clock.advance(100 * 86_400);
    }

    let rotating: Vec<_> = [&one, &other, &one, &other]
        .into_iter()
        .map(|test| {
            let test = Arc::clone(test);
            tokio::spawn(async move { test.app.keys.rotate_if_due().await })
        })
        .collect();
    for done in rotating {
        done.await.unwrap().unwrap();
    }

    assert_eq!(the(&one, "active").await.kid, next);
    assert_eq!(kept(&one, "retired").await.len(), 1);
    the(&one, "next").await;
    for test in [&one, &other] {
        assert_eq!(*test.app.keys.current().signing().unwrap().kid(), next);
    }
}

#[tokio::test]
async fn a_replica_knows_a_key_before_another_signs_with_it() {
    let one = signing("ES256").await;
    let secret = one.client().await;
    let other = replica(&one, "ES256").await;

    one.app.keys.rotate(BY, true).await.unwrap();
    let token = one.token(&secret).await;
    other.app.store().close().await;

    assert_eq!(other.verify(&token).await.status, 200);
}

#[tokio::test]
async fn a_replica_that_reads_the_keys_follows_a_rotation() {
    let one = signing("ES256").await;
    let secret = one.client().await;
    let other = replica(&one, "ES256").await;

    one.app.keys.rotate(BY, true).await.unwrap();
    assert!(other.app.keys.refresh().await.unwrap());
    assert!(!other.app.keys.refresh().await.unwrap());

    assert_eq!(
        kid(&other.token(&secret).await),
        kid(&one.token(&secret).await)
    );
    assert_eq!(published(&other).await, published(&one).await);
}

#[tokio::test]
async fn the_first_token_under_an_unknown_key_is_good_everywhere() {
    let one = signing("ES256").await;
    let secret = one.client().await;
    let other = replica(&one, "ES256").await;

    // The second of these makes sign what was never read by the other one.
    one.app.keys.rotate(BY, true).await.unwrap();
    one.app.keys.rotate(BY, true).await.unwrap();
    let token = one.token(&secret).await;

    assert!(!published(&other).await.contains(&kid(&token)));
    assert_eq!(other.verify(&token).await.status, 200);
}

#[tokio::test]
async fn unknown_keys_make_it_read_once_a_second_at_most() {
    let one = signing("ES256").await;
    let secret = one.client().await;
    let other = replica(&one, "ES256").await;
    let invented = |n: u32| {
        let header = format!(r#"{{"typ":"at+jwt","alg":"ES256","kid":"invented-{n}"}}"#);
        format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header))
    };
    other
        .verify(&invented(0))
        .await
        .assert_error(401, "invalid_token");

    // This second's reading is spent: what is new stays unknown, whatever is asked.
    one.app.keys.rotate(BY, true).await.unwrap();
    one.app.keys.rotate(BY, true).await.unwrap();
    let token = one.token(&secret).await;
    for n in 1..50 {
        other
            .verify(&invented(n))
            .await
            .assert_error(401, "invalid_token");
    }
    other
        .verify(&token)
        .await
        .assert_error(401, "invalid_token");

    other.clock.advance(1);
    assert_eq!(other.verify(&token).await.status, 200);
}

#[tokio::test]
async fn without_a_database_known_keys_verify_and_unknown_ones_are_401() {
    let test = signing("ES256").await;
    let token = test.token(&test.client().await).await;
    let stranger = signing("ES256").await;
    let foreign = stranger.token(&stranger.client().await).await;

    test.app.store().close().await;

    assert_eq!(test.verify(&token).await.status, 200);
    test.verify(&foreign)
        .await
        .assert_error(401, "invalid_token");
    assert_eq!(published(&test).await.len(), 2);
}
