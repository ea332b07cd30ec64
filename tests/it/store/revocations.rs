use std::collections::HashSet;

use token_server::base::clock::{Clock, UnixTime};
use token_server::domain::{
    ClientStatus, Generation, Revocation, RevocationId, Revoked, RevokedToken,
};
use token_server::store::{ClientInserted, ClientRevoked, RevocationTrail, Store};

use super::{
    ANY, LOW, counted, generation, insert, insert_missing, record, record_without_secret, token,
};
use crate::harness::{BY, NOW, TestApp, id};

const DAY: i64 = 86_400;

const EVENT: RevocationTrail = RevocationTrail::Event;

const COUNT: RevocationTrail = RevocationTrail::Count;

async fn list(store: &Store, after: i64) -> Vec<Revocation> {
    store
        .list_revocations(RevocationId(after), 1_000)
        .await
        .unwrap()
}

async fn with_client(client_id: &str) -> TestApp {
    let test = TestApp::new().await;
    insert(test.app.store(), &record_without_secret(client_id), NOW).await;
    test
}

fn revoked(number: u128, expires_at: i64) -> RevokedToken {
    RevokedToken {
        jti: token(number),
        generation: generation(7),
        expires_at: UnixTime(expires_at),
    }
}

/// The generation below which it revoked everything.
fn below(done: &ClientRevoked) -> i64 {
    if let ClientRevoked::Revoked(revocation) = done
        && let Revoked::Client(generation) = revocation.revoked
    {
        generation.number()
    } else {
        panic!("{done:?}")
    }
}

/// Later than the database's time and any version: a generation that is raised to it is exactly it.
const LATER: i64 = 5_000_000_000_000;

#[tokio::test]
async fn a_revoked_token_is_listed_once_however_often_it_is_revoked() {
    let test = TestApp::new().await;
    let store = test.app.store();

    for now in [100, 101, 100] {
        store
            .revoke_token(revoked(7, 200), &id("a"), EVENT, BY.at(UnixTime(now)))
            .await
            .unwrap();
    }

    let listed = list(store, 0).await;
    let expected = Revocation {
        revocation_id: listed[0].revocation_id,
        client_id: id("a"),
        revoked: Revoked::Token(revoked(7, 200)),
        revoked_at: UnixTime(100),
        expires_at: UnixTime(200),
    };
    assert_eq!(listed, [expected]);
}

#[tokio::test]
async fn revocations_are_paged_in_the_order_in_which_they_were_made_whatever_the_clock_says() {
    let test = TestApp::new().await;
    let store = test.app.store();
    // The third comes of a replica whose clock is behind.
    for (n, now) in [(1, 100), (2, 105), (3, 95), (4, 105)] {
        store
            .revoke_token(revoked(n, 200), &id("a"), EVENT, BY.at(UnixTime(now)))
            .await
            .unwrap();
    }

    let first = store.list_revocations(RevocationId(0), 3).await.unwrap();
    let rest = list(store, first[2].revocation_id.0).await;

    let names = |list: &[Revocation]| list.iter().map(|one| one.revoked).collect::<Vec<_>>();
    let expected = [1, 2, 3, 4].map(|n| Revoked::Token(revoked(n, 200)));
    assert_eq!(names(&first), expected[..3]);
    assert_eq!(names(&rest), expected[3..]);
}

#[tokio::test]
async fn an_id_is_later_than_any_that_was_given_in_a_second_before() {
    let test = TestApp::new().await;
    let store = test.app.store();

    store
        .revoke_token(revoked(1, 200), &id("a"), EVENT, BY.at(UnixTime(100)))
        .await
        .unwrap();

    // So that revocations lost in a fail-over had earlier ids than those made after it.
    assert!(list(store, 99_999_999).await.len() == 1 && list(store, 101_000_000).await.is_empty());
}

/// Many revoke at once, through pools of their own, while one reads on from the last that it saw: it must
/// miss none, though their transactions begin and end in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_on_from_the_last_id_misses_nothing() {
    const WRITERS: u128 = 6;
    const EACH: u128 = 25;
    let test = TestApp::new().await;
    let other = test.replica().await;
    let writing = (0..WRITERS).map(|writer| {
        let store = [&test, &other][usize::from(writer % 2 == 1)]
            .app
            .store()
            .clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                let token = revoked(writer * EACH + n, 200);
                store
                    .revoke_token(token, &id("a"), EVENT, BY.at(UnixTime(100)))
                    .await
                    .unwrap();
            }
        })
    });
    let writing: Vec<_> = writing.collect();

    let mut seen = HashSet::new();
    let mut last = 0;
    loop {
        let done = writing.iter().all(tokio::task::JoinHandle::is_finished);
        for one in list(test.app.store(), last).await {
            last = one.revocation_id.0;
            let Revoked::Token(token) = one.revoked else {
                panic!("{one:?}")
            };
            assert!(seen.insert(token.jti));
        }
        if done {
            break;
        }
    }

    assert_eq!(seen.len(), usize::try_from(WRITERS * EACH).unwrap());
}

#[tokio::test]
async fn a_client_has_one_generation_which_only_grows() {
    let test = with_client("a").await;
    let store = test.app.store();
    let (_, begun) = counted(store, "a").await;
    let revoke = async |floor: i64| {
        let done = store
            .revoke_client_tokens(&id("a"), generation(floor), BY.at(NOW))
            .await;
        below(&done.unwrap())
    };

    assert!(revoke(0).await > begun);
    assert_eq!(revoke(LATER).await, LATER);
    // Within one millisecond, and by a replica that has seen less.
    assert_eq!(revoke(LATER).await, LATER + 1);
    assert_eq!(revoke(0).await, LATER + 2);

    assert_eq!(counted(store, "a").await.1, LATER + 2);
    let listed = list(store, 0).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].revoked, Revoked::Client(generation(LATER + 2)));
    assert_eq!(listed[0].expires_at, UnixTime(LATER / 1_000 + 2 * DAY));
    let done = store.revoke_client_tokens(&id("b"), LOW, BY.at(NOW)).await;
    assert_eq!(done.unwrap(), ClientRevoked::NoClient);
}

/// No clock of a replica takes part where the database has one: neither one that is behind nor one that is ahead.
#[tokio::test]
async fn on_postgres_a_generation_is_of_the_databases_time() {
    let test = with_client("a").await;
    let store = test.app.store();
    if store.product() != "Postgres" {
        return;
    }
    assert_eq!(store.generation_floor(generation(7), NOW), generation(8));
    let (version, begun) = counted(store, "a").await;
    let a_day = DAY * 1_000;
    // The database is on this machine; the clock of the tests is fixed elsewhere.
    let now = Generation::at(Clock::system().now()).number();

    assert!((begun - now).abs() < a_day, "{begun} at {now}");
    assert_eq!(version, begun);
    for at in [0, 10 * NOW.0] {
        let stamp = BY.at(UnixTime(at));
        let revoked = store.revoke_client_tokens(&id("a"), LOW, stamp).await;
        let raised = below(&revoked.unwrap());
        assert!((raised - now).abs() < a_day, "{raised} at {now}");
    }
}

#[tokio::test]
async fn on_sqlite_a_generation_is_of_the_machines_time() {
    let test = with_client("a").await;
    let store = test.app.store();
    if store.product() == "Postgres" {
        return;
    }
    let (now, later) = (Generation::at(NOW), generation(LATER));

    assert_eq!(store.generation_floor(LOW, NOW), now);
    assert_eq!(store.generation_floor(later, NOW), later.next());
    assert_eq!(counted(store, "a").await, (now.number(), now.number()));
}

#[tokio::test]
async fn switching_a_client_off_raises_its_generation_and_switching_it_on_does_not() {
    let test = with_client("a").await;
    let store = test.app.store();
    let switch = async |status| {
        let (a, floor) = (id("a"), generation(LATER));
        let done = store.set_client_status(&a, status, floor, BY.at(NOW)).await;
        done.unwrap().0
    };

    assert_eq!(below(&switch(ClientStatus::Disabled).await), LATER);
    store
        .revoke_token(revoked(1, 200), &id("b"), EVENT, BY.at(NOW))
        .await
        .unwrap();
    // It is done again to be sure of it, and comes last in the list.
    assert_eq!(below(&switch(ClientStatus::Disabled).await), LATER + 1);
    for done in [ClientRevoked::Enabled, ClientRevoked::Unchanged] {
        assert_eq!(switch(ClientStatus::Enabled).await, done);
    }

    assert_eq!(counted(store, "a").await.1, LATER + 1);
    let listed = list(store, 0).await;
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[1].revoked, Revoked::Client(generation(LATER + 1)));
}

#[tokio::test]
async fn a_status_of_no_client_revokes_nothing() {
    let test = TestApp::new().await;
    let store = test.app.store();

    for status in [ClientStatus::Disabled, ClientStatus::Enabled] {
        let done = store
            .set_client_status(&id("a"), status, LOW, BY.at(UnixTime(1)))
            .await;
        assert_eq!(done.unwrap(), (ClientRevoked::NoClient, None));
    }

    assert!(list(store, 0).await.is_empty());
}

#[tokio::test]
async fn a_client_of_a_deleted_ones_id_begins_above_its_generation_and_its_version() {
    let test = with_client("a").await;
    let store = test.app.store();
    for floor in [0, LATER] {
        // More changes than milliseconds.
        for _ in 0..5 {
            let (a, off) = (id("a"), ClientStatus::Disabled);
            let changed = store.set_client_status(&a, off, LOW, BY.at(NOW));
            changed.await.unwrap();
        }
        let (version, had) = counted(store, "a").await;
        let floor = generation(floor);
        let deleted = store.delete_client(&id("a"), floor, ANY, BY.at(NOW)).await;
        let deleted = below(&deleted.unwrap());
        assert!(deleted > had.max(version));

        let both = ["b", "a"].map(record_without_secret);
        insert_missing(store, both.to_vec()).await.unwrap();

        let (version, begun) = counted(store, "a").await;
        assert!(version == begun && begun > deleted);
        // Else the database's time may be above the floor.
        assert!(floor == LOW || begun == deleted + 1);
        // Its tokens are good: nothing is revoked but those of the deleted one.
        let listed = list(store, 0).await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].revoked, Revoked::Client(generation(deleted)));
    }
}

/// The registration waits for the deletion, and sees what it has written.
#[tokio::test]
async fn a_client_that_is_registered_during_the_deletion_begins_above_it() {
    let test = with_client("a").await;
    let store = test.app.store().clone();
    let mut deleting = test.database.begin().await;
    deleting
        .run("delete from clients where client_id = 'a'")
        .await;
    let new = record_without_secret("a");
    let registering = {
        let store = store.clone();
        tokio::spawn(async move { store.insert_client(&new, ANY, BY.at(NOW)).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!registering.is_finished());
    let row = format!(
        "insert into revocations (revocation_id, client_id, generation, revoked_at, expires_at)
        values (1, 'a', {LATER}, 1, {LATER})"
    );
    deleting.run(&row).await;
    deleting.run("commit").await;

    let inserted = registering.await.unwrap().unwrap();
    assert_eq!(inserted, ClientInserted::Inserted);
    assert_eq!(counted(&store, "a").await, (LATER + 1, LATER + 1));
}

/// It may have tokens of another server with the same keys.
#[tokio::test]
async fn a_client_that_is_imported_disabled_has_its_tokens_revoked() {
    let test = TestApp::new().await;
    let store = test.app.store();
    let mut disabled = record("a");
    disabled.client.status = ClientStatus::Disabled;

    insert_missing(store, vec![disabled]).await.unwrap();

    let (_, raised) = counted(store, "a").await;
    let listed = list(store, 0).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].revoked, Revoked::Client(generation(raised)));
}

#[tokio::test]
async fn needless_revocations_are_removed_in_batches_and_no_others() {
    let test = TestApp::new().await;
    let store = test.app.store();
    for (number, client, of) in [(1, "a", 7), (2, "a", 8), (3, "a", 9), (4, "b", 7)] {
        let token = RevokedToken {
            generation: generation(of),
            ..revoked(number, 200)
        };
        let new = store
            .revoke_token(token, &id(client), COUNT, BY.at(NOW))
            .await;
        assert!(new.unwrap());
    }
    let delete = async |limit| {
        let deleted = store
            .delete_needless_revocations(&id("a"), generation(9), limit)
            .await;
        deleted.unwrap()
    };

    assert_eq!(
        [delete(1).await, delete(5).await, delete(5).await],
        [1, 1, 0]
    );

    let left = list(store, 0).await.into_iter().map(|it| it.client_id);
    assert_eq!(left.collect::<Vec<_>>(), ["a", "b"].map(id));
}

#[tokio::test]
async fn revocations_are_removed_in_batches_and_only_those_whose_tokens_have_expired() {
    let test = TestApp::new().await;
    let store = test.app.store();
    for (n, end) in [(1, 300), (2, 200), (3, 199), (4, 100)] {
        store
            .revoke_token(revoked(n, end), &id("a"), EVENT, BY.at(UnixTime(10)))
            .await
            .unwrap();
    }
    let end = test.trusted(UnixTime(200)).await;
    let delete = async |limit| store.delete_revocations(end, limit).await.unwrap();

    assert_eq!(delete(2).await, 2);
    assert_eq!(delete(2).await, 1);
    assert_eq!(delete(2).await, 0);

    let left = list(store, 0).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].expires_at, UnixTime(300));
}
