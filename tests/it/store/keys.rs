use token_server::base::clock::UnixTime;
use token_server::domain::{KeyId, KeyRecord, KeyState, SigningAlg};
use token_server::store::{KeyChanges, Store, TrustedTime};

use crate::harness::{BY, NOW, TestApp};

const ALG: SigningAlg = SigningAlg::ES256;

fn kid(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

fn key(name: &str, alg: SigningAlg, state: KeyState) -> KeyRecord {
    KeyRecord {
        kid: kid(name),
        alg,
        state,
        created_at: UnixTime(100),
        sealed: format!("sealed {name}"),
    }
}

fn active(at: i64) -> KeyState {
    KeyState::Active {
        activated_at: UnixTime(at),
    }
}

fn retired(at: i64) -> KeyState {
    KeyState::Retired {
        retired_at: UnixTime(at),
    }
}

async fn insert(store: &Store, keys: Vec<KeyRecord>) -> bool {
    let changes = KeyChanges {
        insert: keys,
        ..KeyChanges::default()
    };
    store
        .change_keys(&changes, BY.at(UnixTime(100)))
        .await
        .unwrap()
}

async fn rotate(store: &Store, from: &str, to: &str, new: &str, at: TrustedTime) -> bool {
    let changes = KeyChanges {
        retire: Some((kid(from), at)),
        activate: Some(kid(to)),
        insert: vec![key(new, ALG, KeyState::Next)],
    };
    store.change_keys(&changes, BY.at(at.time())).await.unwrap()
}

/// Names and states, by name.
async fn states(store: &Store) -> Vec<(String, KeyState)> {
    let mut keys = store.list_keys().await.unwrap();
    keys.sort_by_key(|key| key.kid.to_string());
    keys.into_iter()
        .map(|key| (key.kid.to_string(), key.state))
        .collect()
}

#[tokio::test]
async fn keys_come_back_as_they_were_inserted() {
    let test = TestApp::new().await;
    let written = vec![
        key("a", ALG, active(100)),
        key("b", ALG, KeyState::Next),
        key("c", SigningAlg::EdDSA, active(100)),
        key("d", SigningAlg::PS256, retired(90)),
        key("e", SigningAlg::PS256, retired(91)),
    ];

    assert!(insert(test.app.store(), written.clone()).await);

    assert_eq!(test.app.store().list_keys().await.unwrap(), written);
}

#[tokio::test]
async fn an_algorithm_has_one_active_and_one_next_key() {
    let test = TestApp::new().await;
    let store = test.app.store();
    let first = vec![key("a", ALG, active(1)), key("b", ALG, KeyState::Next)];
    assert!(insert(store, first.clone()).await);

    assert!(!insert(store, vec![key("c", ALG, active(2))]).await);
    assert!(!insert(store, vec![key("c", ALG, KeyState::Next)]).await);
    let partly_good = vec![
        key("c", SigningAlg::EdDSA, active(2)),
        key("d", ALG, KeyState::Next),
    ];
    assert!(!insert(store, partly_good).await);
    let second = KeyChanges {
        activate: Some(kid("b")),
        ..KeyChanges::default()
    };
    assert!(
        !store
            .change_keys(&second, BY.at(UnixTime(5)))
            .await
            .unwrap()
    );

    assert_eq!(store.list_keys().await.unwrap(), first);
}

#[tokio::test]
async fn a_rotation_is_whole_or_not_at_all() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(
        store,
        vec![key("a", ALG, active(1)), key("b", ALG, KeyState::Next)],
    )
    .await;
    let before = states(store).await;
    let at = test.trusted(UnixTime(200)).await;

    for (from, to) in [("b", "a"), ("a", "x"), ("x", "b"), ("a", "a")] {
        assert!(!rotate(store, from, to, "c", at).await, "{from} {to}");
        assert_eq!(states(store).await, before, "{from} {to}");
    }
    // The new key's name is taken.
    assert!(!rotate(store, "a", "b", "a", at).await);
    assert_eq!(states(store).await, before);

    assert!(rotate(store, "a", "b", "c", at).await);
    let expected = [
        ("a".to_owned(), retired(200)),
        ("b".to_owned(), active(200)),
        ("c".to_owned(), KeyState::Next),
    ];
    assert_eq!(states(store).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_rotations_at_once_one_happens() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(
        store,
        vec![key("a", ALG, active(1)), key("b", ALG, KeyState::Next)],
    )
    .await;

    let at = test.trusted(UnixTime(200)).await;
    let rotations: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { rotate(&store, "a", "b", &format!("n{n}"), at).await })
        })
        .collect();
    let mut happened = 0;
    for rotation in rotations {
        happened += i32::from(rotation.await.unwrap());
    }

    assert_eq!(happened, 1);
    let states: Vec<_> = states(store).await.into_iter().map(|s| s.1).collect();
    assert_eq!(states, [retired(200), active(200), KeyState::Next]);
}

#[tokio::test]
async fn unused_keys_of_other_algorithms_retire_and_ones_own_and_prepared_ones_stay() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(
        store,
        vec![
            key("a", ALG, active(1)),
            key("b", SigningAlg::EdDSA, active(1)),
            key("c", SigningAlg::EdDSA, KeyState::Next),
            key("d", SigningAlg::RS256, active(1)),
            key("e", SigningAlg::RS256, KeyState::Next),
            key("f", SigningAlg::PS256, KeyState::Next),
        ],
    )
    .await;
    store
        .mark_keys_used(SigningAlg::RS256, UnixTime(150))
        .await
        .unwrap();
    // A clock behind does not take it back.
    store
        .mark_keys_used(SigningAlg::RS256, UnixTime(99))
        .await
        .unwrap();

    let unused = test.trusted(UnixTime(150)).await;
    let left = store
        .retire_unused_keys(ALG, unused, BY.at(UnixTime(900)))
        .await
        .unwrap();

    assert_eq!(left, 1);
    let expected = [
        ("a", active(1)),
        ("b", retired(900)),
        ("d", active(1)),
        ("e", KeyState::Next),
        ("f", KeyState::Next),
    ];
    assert_eq!(
        states(store).await,
        expected.map(|(name, state)| (name.to_owned(), state))
    );
}

#[tokio::test]
async fn retired_keys_are_pruned_at_their_second() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(
        store,
        vec![
            key("a", ALG, active(1)),
            key("b", ALG, KeyState::Next),
            key("c", ALG, retired(50)),
            key("d", ALG, retired(51)),
        ],
    )
    .await;

    for (end, removed) in [(49, 0), (50, 1)] {
        let end = test.trusted(UnixTime(end)).await;
        assert_eq!(store.prune_keys(end, BY.at(NOW)).await.unwrap(), removed);
    }

    let names: Vec<_> = states(store).await.into_iter().map(|s| s.0).collect();
    assert_eq!(names, ["a", "b", "d"]);
}

#[tokio::test]
async fn a_key_is_resealed_and_deleted_only_as_it_was_seen() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(store, vec![key("a", ALG, KeyState::Next)]).await;
    let reseal = async |old: &str| {
        store
            .reseal_key(&kid("a"), old, "new", BY.at(NOW))
            .await
            .unwrap()
    };

    assert!(!reseal("another").await);
    assert!(reseal("sealed a").await);
    assert!(!reseal("sealed a").await);
    assert_eq!(store.list_keys().await.unwrap()[0].sealed, "new");

    assert!(
        !store
            .delete_key(&kid("a"), active(1), BY.at(NOW))
            .await
            .unwrap()
    );
    assert!(
        !store
            .delete_key(&kid("b"), KeyState::Next, BY.at(NOW))
            .await
            .unwrap()
    );
    assert!(
        store
            .delete_key(&kid("a"), KeyState::Next, BY.at(NOW))
            .await
            .unwrap()
    );
    assert!(store.list_keys().await.unwrap().is_empty());
}
