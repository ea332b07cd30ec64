use token_server::base::clock::UnixTime;
use token_server::domain::SecretId;
use token_server::store::SecretAdded;

use super::{ANY, insert, record, record_without_secret, secret};
use crate::harness::{BY, NOW, TestApp, id};

#[tokio::test]
async fn a_client_has_five_live_secrets_at_most() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(store, &record("a"), NOW).await;
    for name in ["BBBBBBBB", "CCCCCCCC", "DDDDDDDD", "EEEEEEEE"] {
        let added = store
            .insert_secret(&id("a"), &secret(name, 200, Some(300)), ANY, BY.at(NOW))
            .await
            .unwrap();
        assert_eq!(added, SecretAdded::Added);
    }

    let one_more = |created_at| secret("FFFFFFFF", created_at, None);
    let while_live = store
        .insert_secret(&id("a"), &one_more(299), ANY, BY.at(NOW))
        .await
        .unwrap();
    let after_their_end = store
        .insert_secret(&id("a"), &one_more(300), ANY, BY.at(NOW))
        .await
        .unwrap();

    assert_eq!(while_live, SecretAdded::TooMany);
    assert_eq!(after_their_end, SecretAdded::Added);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limit_holds_when_many_are_added_at_once() {
    let test = TestApp::new().await;
    insert(test.app.store(), &record_without_secret("a"), NOW).await;

    let adding = (0..12).map(|n| {
        let store = test.app.store().clone();
        tokio::spawn(async move {
            store
                .insert_secret(
                    &id("a"),
                    &secret(&format!("{n:08}"), 1, None),
                    ANY,
                    BY.at(NOW),
                )
                .await
                .unwrap()
        })
    });
    let mut added = 0;
    for one in adding.collect::<Vec<_>>() {
        added += usize::from(one.await.unwrap() == SecretAdded::Added);
    }

    assert_eq!(added, 5);
    let found = test
        .app
        .store()
        .find_client(&id("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.secrets.len(), 5);
}

#[tokio::test]
async fn a_secret_needs_its_client() {
    let test = TestApp::new().await;

    let added = test
        .app
        .store()
        .insert_secret(&id("a"), &secret("BBBBBBBB", 1, None), ANY, BY.at(NOW))
        .await;

    assert_eq!(added.unwrap(), SecretAdded::NoClient);
}

#[tokio::test]
async fn a_secret_is_ended_for_its_own_client_only() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(store, &record("a"), NOW).await;
    insert(store, &record_without_secret("b"), NOW).await;
    let secret_id = SecretId::parse("AAAAAAAA").unwrap();

    assert!(
        !store
            .set_secret_expiry(&id("b"), &secret_id, UnixTime(9), BY.at(NOW))
            .await
            .unwrap()
    );
    assert!(
        store
            .set_secret_expiry(&id("a"), &secret_id, UnixTime(9), BY.at(NOW))
            .await
            .unwrap()
    );

    let found = store.find_client(&id("a")).await.unwrap().unwrap();
    assert_eq!(found.secrets[0].expires_at, Some(UnixTime(9)));
}

#[tokio::test]
async fn a_hash_is_renewed_once() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(store, &record("a"), NOW).await;
    let secret_id = SecretId::parse("AAAAAAAA").unwrap();
    let old = "hash of AAAAAAAA";

    assert!(
        store
            .renew_secret_hash(&secret_id, old, "new")
            .await
            .unwrap()
    );
    assert!(
        !store
            .renew_secret_hash(&secret_id, old, "newer")
            .await
            .unwrap()
    );

    let found = store.find_client(&id("a")).await.unwrap().unwrap();
    assert_eq!(found.secrets[0].secret_hash, "new");
}
