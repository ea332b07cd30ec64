use std::collections::HashSet;

use token_server::base::clock::UnixTime;
use token_server::domain::{
    Change, ChangeId, ClientChanges, ClientId, ClientStatus, KeyId, KeyRecord, KeyState, Name,
    RevokedToken, SecretId, SigningAlg, Stamp, TokenId,
};
use token_server::store::{ClientChanged, FullRoom, KeyChanges, RevocationTrail, Store};

use super::{ANY, LOW, insert, record, record_without_secret, secret};
use crate::harness::{BY, Database, TestApp, id};

const AT: UnixTime = UnixTime(100);

fn stamp() -> Stamp<'static> {
    BY.at(AT)
}

/// What was told since a change, and the last of it.
async fn told(store: &Store, after: ChangeId) -> (Vec<Change>, ChangeId) {
    let page = store.list_changes(after, 1_000).await.unwrap().unwrap();
    assert!(page.is_end);
    (page.changes, page.last)
}

fn client(client_id: &str) -> Change {
    Change::Client(id(client_id))
}

fn named(name: &str) -> ClientChanges {
    ClientChanges {
        name: Some(Name::parse(name).unwrap()),
        ..ClientChanges::default()
    }
}

async fn rename(store: &Store, client_id: &ClientId, now: i64) {
    let changes = named("another");
    let renamed = store
        .update_client(client_id, &changes, ANY, BY.at(UnixTime(now)))
        .await;
    assert!(matches!(renamed.unwrap(), ClientChanged::Changed(_)));
}

fn next_key(kid: &str) -> KeyRecord {
    KeyRecord {
        kid: KeyId::parse(kid).unwrap(),
        alg: SigningAlg::ES256,
        state: KeyState::Next,
        created_at: AT,
        sealed: "sealed".to_owned(),
    }
}

async fn with_client() -> (TestApp, ChangeId) {
    let test = TestApp::new().await;
    insert(test.app.store(), &record("a"), AT).await;
    let last = test.app.store().last_change().await.unwrap();
    (test, last)
}

#[tokio::test]
async fn every_write_that_replicas_must_know_tells_of_it() {
    let (test, mut last) = with_client().await;
    let store = test.app.store();
    let mut tells = async |expected: Change| {
        let (changes, now) = told(store, last).await;
        assert_eq!(changes, [expected]);
        assert!(now > last);
        last = now;
    };

    rename(store, &id("a"), 100).await;
    tells(client("a")).await;
    let added = secret("BBBBBBBB", 100, None);
    store
        .insert_secret(&id("a"), &added, ANY, stamp())
        .await
        .unwrap();
    tells(client("a")).await;
    store
        .set_secret_expiry(&id("a"), &added.secret_id, AT, stamp())
        .await
        .unwrap();
    tells(client("a")).await;
    let a = id("a");
    for (number, trail) in [(1, RevocationTrail::Event), (2, RevocationTrail::Count)] {
        let revoked = store.revoke_token(token(number), &a, trail, stamp());
        assert!(revoked.await.unwrap());
        tells(Change::Revocation).await;
    }
    store.revoke_client_tokens(&a, LOW, stamp()).await.unwrap();
    tells(Change::Revocation).await;
    for (status, told) in [
        (ClientStatus::Disabled, Change::Revocation),
        (ClientStatus::Enabled, client("a")),
    ] {
        let switched = store.set_client_status(&a, status, LOW, stamp());
        switched.await.unwrap();
        tells(told).await;
    }
    let known = store.find_client(&a).await.unwrap().unwrap();
    let known = Some(known.client.generation);
    let folded = store.fold_revocations(&a, known, LOW, FullRoom::Client, stamp());
    folded.await.unwrap();
    tells(Change::Revocation).await;
    store.delete_client(&a, LOW, ANY, stamp()).await.unwrap();
    tells(Change::Revocation).await;
}

fn token(number: u128) -> RevokedToken {
    RevokedToken {
        jti: TokenId::parse(&format!("{number:032x}")).unwrap(),
        generation: LOW,
        expires_at: AT,
    }
}

#[tokio::test]
async fn every_change_of_the_keys_tells_of_it() {
    let (test, mut last) = with_client().await;
    let store = test.app.store();
    let (kid, later) = (KeyId::parse("a").unwrap(), UnixTime(200));
    let mut tells = async || {
        let (changes, now) = told(store, last).await;
        assert_eq!(changes, [Change::SigningKey]);
        last = now;
    };

    let insert = KeyChanges {
        insert: vec![next_key("a")],
        ..KeyChanges::default()
    };
    assert!(store.change_keys(&insert, stamp()).await.unwrap());
    tells().await;
    assert!(
        store
            .reseal_key(&kid, "sealed", "anew", stamp())
            .await
            .unwrap()
    );
    tells().await;
    let trusted = test.trusted(later).await;
    let activate = KeyChanges {
        activate: Some(kid.clone()),
        ..KeyChanges::default()
    };
    assert!(store.change_keys(&activate, stamp()).await.unwrap());
    tells().await;
    let retired = store.retire_unused_keys(SigningAlg::EdDSA, trusted, BY.at(later));
    assert_eq!(retired.await.unwrap(), 1);
    tells().await;
    assert_eq!(store.prune_keys(trusted, BY.at(later)).await.unwrap(), 1);
    tells().await;
    assert!(store.change_keys(&insert, stamp()).await.unwrap());
    tells().await;
    assert!(
        store
            .delete_key(&kid, KeyState::Next, stamp())
            .await
            .unwrap()
    );
    tells().await;
}

#[tokio::test]
async fn nobody_is_told_of_what_nobody_remembers_or_of_what_was_not_done() {
    let (test, last) = with_client().await;
    let store = test.app.store();
    let [here, none] = ["AAAAAAAA", "CCCCCCCC"].map(|text| SecretId::parse(text).unwrap());
    let (a, c) = (id("a"), id("c"));

    insert(store, &record_without_secret("b"), AT).await;
    let renewed = store.renew_secret_hash(&here, "hash of AAAAAAAA", "another");
    assert!(renewed.await.unwrap());
    store.mark_keys_used(SigningAlg::ES256, AT).await.unwrap();
    let renamed = named("x");
    let renamed = store.update_client(&c, &renamed, ANY, stamp());
    assert_eq!(renamed.await.unwrap(), ClientChanged::NoClient);
    let expired = store.set_secret_expiry(&a, &none, AT, stamp());
    assert!(!expired.await.unwrap());
    let at = test.trusted(AT).await;
    assert_eq!(store.prune_keys(at, stamp()).await.unwrap(), 0);
    let enabled = store.set_client_status(&a, ClientStatus::Enabled, LOW, stamp());
    enabled.await.unwrap();
    let revoked = store.revoke_token(token(1), &a, RevocationTrail::Count, stamp());
    assert!(revoked.await.unwrap());
    let (changes, last) = told(store, last).await;
    assert_eq!(changes, [Change::Revocation]);
    for trail in [RevocationTrail::Event, RevocationTrail::Count] {
        let revoked = store.revoke_token(token(1), &a, trail, stamp());
        assert!(!revoked.await.unwrap());
    }

    assert_eq!(told(store, last).await, (Vec::new(), last));
}

#[tokio::test]
async fn changes_are_paged_in_their_order_whatever_the_clock_says() {
    let (test, start) = with_client().await;
    let store = test.app.store();
    for name in ["b", "c"] {
        insert(store, &record_without_secret(name), AT).await;
    }
    // The second comes of a replica whose clock is behind.
    for (name, now) in [("a", 105), ("b", 95), ("c", 105)] {
        rename(store, &id(name), now).await;
    }

    let first = store.list_changes(start, 2).await.unwrap().unwrap();
    let rest = store.list_changes(first.last, 2).await.unwrap().unwrap();

    assert_eq!(first.changes, [client("a"), client("b")]);
    assert_eq!((rest.changes, rest.is_end), (vec![client("c")], true));
    assert!(!first.is_end);
    assert_eq!(rest.last, store.last_change().await.unwrap());
}

#[tokio::test]
async fn old_changes_go_the_newest_stays_and_who_had_read_less_is_told() {
    let (test, start) = with_client().await;
    let store = test.app.store();
    let mut ids = Vec::new();
    for now in [100, 200, 300] {
        rename(store, &id("a"), now).await;
        ids.push(store.last_change().await.unwrap());
    }
    let read = async |after: ChangeId| store.list_changes(after, 10).await.unwrap();

    let end = test.trusted(UnixTime(200)).await;
    assert_eq!(store.delete_changes(end, 1).await.unwrap(), 1);
    assert_eq!(store.delete_changes(end, 10).await.unwrap(), 1);
    assert_eq!(store.delete_changes(end, 10).await.unwrap(), 0);

    assert_eq!((read(start).await, read(ids[0]).await), (None, None));
    assert_eq!(read(ids[1]).await.unwrap().changes, [client("a")]);
    let end = test.trusted(UnixTime(999)).await;
    assert_eq!(store.delete_changes(end, 10).await.unwrap(), 1);
    assert_eq!(read(ids[2]).await.unwrap().changes, []);
    // One that a fail-over has lost, or a restored backup.
    assert_eq!(read(ChangeId(ids[2].0 + 1)).await, None);
}

/// The first transaction has its id and is not committed; the second would have the next one, and to commit before it
/// would let a reader go past the first.
#[tokio::test]
async fn no_change_is_seen_before_one_of_an_earlier_id() {
    let database = Database::fresh().await;
    let test = TestApp::on(database.clone(), &[]).await;
    let store = test.app.store();
    insert(store, &record("a"), AT).await;
    let start = store.last_change().await.unwrap();

    let mut first = database.begin().await;
    first
        .run("update audit_head set last_change_id = 100000000")
        .await;
    first
        .run("insert into changes (change_id, kind) values (100000000, 'signing_key')")
        .await;
    let second = {
        let store = store.clone();
        tokio::spawn(async move { rename(&store, &id("a"), 100).await })
    };
    for _ in 0..20 {
        assert_eq!(told(store, start).await, (Vec::new(), start));
        assert!(!second.is_finished());
        tokio::task::yield_now().await;
    }
    first.run("commit").await;
    second.await.unwrap();

    let (changes, last) = told(store, start).await;
    assert_eq!(changes, [Change::SigningKey, client("a")]);
    assert!(last > ChangeId(100_000_000), "{last:?}");
}

/// Many write at once, through pools of their own, while one reads on from the last change that it saw: it must miss
/// none, though their transactions begin and end in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_on_from_the_last_change_misses_nothing() {
    const WRITERS: usize = 6;
    const EACH: usize = 20;
    let (test, mut last) = with_client().await;
    let other = test.replica().await;
    for n in 0..WRITERS * EACH {
        let record = record_without_secret(&format!("c{n}"));
        insert(test.app.store(), &record, AT).await;
    }
    let writing: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = [&test, &other][writer % 2].app.store().clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    rename(&store, &id(&format!("c{}", writer * EACH + n)), 100).await;
                }
            })
        })
        .collect();

    let mut seen = HashSet::new();
    loop {
        let done = writing.iter().all(tokio::task::JoinHandle::is_finished);
        let (changes, now) = told(test.app.store(), last).await;
        last = now;
        for change in changes {
            assert!(seen.insert(change.client_id().unwrap().clone()));
        }
        if done {
            break;
        }
    }

    assert_eq!(seen.len(), WRITERS * EACH);
}
