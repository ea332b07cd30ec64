//! Signing keys are neither rotated nor retired nor deleted under a wrong clock, by schedule or by hand.

use token_server::app::App;
use token_server::base::clock::Clock;
use token_server::domain::SigningAlg;

use super::{DAY, YEAR, assert_held_back, replica};
use crate::harness::{BY, Database, NOW, TestApp, config};

const ES256: &[(&str, &str)] = &[("SIGNING_ALG", "ES256")];

#[tokio::test]
async fn keys_are_not_rotated_retired_or_deleted_under_a_wrong_clock() {
    let test = TestApp::with(ES256).await;
    let secret = test.client().await;
    let old = test.token(&secret).await;
    test.app.keys.rotate(BY, true).await.unwrap();
    let keys = async || test.app.store().list_keys().await.unwrap();
    let before = keys().await;
    for wrong in [3 * DAY, 3 * YEAR, -3 * YEAR] {
        test.clock.set_ahead(wrong);
        assert_held_back(test.app.keys.rotate_if_due().await);
        assert_eq!(keys().await, before, "{wrong}");
    }
    test.clock.set_ahead(0);

    assert_eq!(test.verify(&old).await.status, 200);
    test.clock.advance(YEAR);
    test.app.keys.rotate_if_due().await.unwrap();
    // The retired one is gone, and the active one retired.
    assert_eq!(keys().await.len(), before.len());
    assert_ne!(keys().await, before);
}

/// A replica that is ahead takes the key of another algorithm for unused.
#[tokio::test]
async fn the_key_of_a_replica_with_another_algorithm_stays() {
    let test = TestApp::with(ES256).await;
    let other = replica(&test, &[("SIGNING_ALG", "EdDSA")]).await;
    let before = test.app.store().list_keys().await.unwrap();

    other.clock.set_ahead(DAY);
    assert_held_back(other.app.keys.rotate_if_due().await);

    assert_eq!(test.app.store().list_keys().await.unwrap(), before);
}

/// The time that is written decides when the old key is deleted: three days ago is at once.
#[tokio::test]
async fn by_hand_nothing_is_rotated_or_prepared_under_a_clock_that_is_behind() {
    let test = TestApp::with(ES256).await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let behind = replica(&test, ES256).await;
    behind.clock.set_ahead(-3 * DAY);

    for forced in [false, true] {
        assert_held_back(behind.app.keys.rotate(BY, forced).await);
    }
    assert_held_back(behind.app.keys.prepare(BY, SigningAlg::EdDSA).await);
    test.app.keys.rotate_if_due().await.unwrap();

    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn the_first_key_is_made_whatever_the_clock_says() {
    let database = Database::fresh().await;
    let clock = Clock::fixed(NOW);
    let app = App::open(config(&database.url, ES256), clock.clone()).unwrap();

    clock.set_ahead(3 * DAY);
    app.keys.start().await.unwrap();

    assert!(app.keys.current().signing().is_some());
    let keys = app.store().list_keys().await.unwrap();
    // Dated as well as it can be.
    assert!(keys.iter().all(|key| key.created_at == NOW), "{keys:?}");
}
