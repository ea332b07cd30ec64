//! The one row that orders all changes: who moves it on, and what becomes of those who lose.

mod revocations;

use std::collections::HashSet;
use std::time::Duration;

use token_server::app::clients::transfer::import::{ImportOptions, ImportSource};
use token_server::app::{AuditFilter, AuditPage};
use token_server::base::clock::{Stopwatch, UnixTime};
use token_server::domain::{
    Action, ClientChanges, ClientId, Generation, Name, NewEvent, RevocationId, Revoked,
    RevokedToken, Target, TokenId,
};
use token_server::store::{ClientChanged, RevocationTrail, Store, StoreError};

use super::{ANY, insert, record, record_without_secret, token};
use crate::harness::{BY, Connection, Database, Distance, NOW, TestApp, id};

async fn revoke(store: &Store, n: u128, client_id: &str) -> Result<bool, StoreError> {
    let revoked = RevokedToken {
        jti: token(n),
        generation: Generation::at(NOW),
        expires_at: NOW.plus(60),
    };
    let client_id = id(client_id);
    let trail = RevocationTrail::Event;
    store
        .revoke_token(revoked, &client_id, trail, BY.at(NOW))
        .await
}

/// The tokens that are revoked, in the order of their revocations.
async fn revoked(store: &Store) -> Vec<TokenId> {
    let listed = store.list_revocations(RevocationId(0), 10_000).await;
    let token = |revoked| match revoked {
        Revoked::Token(token) => token.jti,
        Revoked::Client(generation) => panic!("{generation}"),
    };
    listed
        .unwrap()
        .into_iter()
        .map(|it| token(it.revoked))
        .collect()
}

async fn rename(store: &Store, client_id: &ClientId, name: &str) -> Result<(), StoreError> {
    let changes = ClientChanges {
        name: Some(Name::parse(name).unwrap()),
        ..ClientChanges::default()
    };
    let renamed = store.update_client(client_id, &changes, ANY, BY.at(NOW));
    assert!(matches!(renamed.await?, ClientChanged::Changed(_)));
    Ok(())
}

async fn with_clients(count: usize) -> TestApp {
    let test = TestApp::new().await;
    for n in 0..count {
        let record = record_without_secret(&format!("c{n}"));
        insert(test.app.store(), &record, NOW).await;
    }
    test
}

/// What the events of this action are about, in their order, in a trail that is good.
async fn targets(test: &TestApp, action: Action) -> Vec<String> {
    let verdict = test.app.audit.verify(None).await.unwrap();
    assert!(verdict.good, "{verdict:?}");
    let filter = AuditFilter {
        action: Some(action.as_str().to_owned()),
        ..AuditFilter::default()
    };
    let listed = test.app.audit.list(&filter, AuditPage::After(0), 10_000);
    let listed = listed.await.unwrap().into_iter();
    listed.map(|it| it.event.target).collect()
}

/// Lets those who wait for the row get there.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

/// A transaction of another replica that has moved the head and not committed.
async fn hold_head(database: &Database) -> Connection {
    let mut other = database.begin().await;
    let moved = other.run("update audit_head set last_id = last_id + 1, hash = 'x'");
    assert_eq!(moved.await, 1);
    other
}

/// Two replicas change clients and revoke tokens at once, and some of what they begin fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_replicas_that_write_at_once_no_event_no_change_and_no_order_is_lost() {
    const TASKS: usize = 8;
    const EACH: usize = 12;
    let test = with_clients(TASKS).await;
    let other = test.replica().await;
    let start = test.app.store().last_change().await.unwrap();
    let writing = (0..TASKS).map(|task| {
        let store = [&test, &other][task % 2].app.store().clone();
        tokio::spawn(async move {
            let client_id = id(&format!("c{task}"));
            for n in 0..EACH {
                rename(&store, &client_id, &n.to_string()).await.unwrap();
                let number = (task * EACH + n) as u128;
                revoke(&store, number, client_id.as_str()).await.unwrap();
                // Fails in the transaction, before the head is moved.
                let none = record("gone");
                let again = store.insert_client(&none, ANY, BY.at(UnixTime(1)));
                drop(tokio::time::timeout(Duration::from_micros(50), again).await);
            }
        })
    });
    for task in writing.collect::<Vec<_>>() {
        task.await.unwrap();
    }

    let renamed = targets(&test, Action::ClientUpdate).await;
    assert_eq!(renamed.len(), TASKS * EACH);
    let tokens = revoked(test.app.store()).await;
    let said: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    assert_eq!(said.iter().collect::<HashSet<_>>().len(), TASKS * EACH);
    assert_eq!(targets(&test, Action::TokenRevoke).await, said);
    let page = test.app.store().list_changes(start, 10_000).await.unwrap();
    assert_eq!(page.unwrap().changes.len(), 2 * TASKS * EACH);
}

#[tokio::test]
async fn a_replica_that_lost_the_race_appends_behind_the_winner() {
    let test = with_clients(1).await;
    let other = test.replica().await;
    let stores = [test.app.store(), other.app.store()];
    for n in 0..6 {
        rename(stores[n % 2], &id("c0"), &n.to_string())
            .await
            .unwrap();
    }
    for (n, store) in [(1, 0), (2, 1), (3, 0), (4, 1)] {
        revoke(stores[store], n, "c0").await.unwrap();
    }

    assert_eq!(targets(&test, Action::ClientUpdate).await.len(), 6);
    assert_eq!(revoked(stores[0]).await, [1, 2, 3, 4].map(token));
    let lost = [stores[0], stores[1]].map(|store| store.calls().lost_races);
    if test.database.is_postgres() {
        // All but the first changes of both, of which one finds nothing to remember yet.
        assert!(lost[0] >= 4 && lost[1] >= 4, "{lost:?}");
    } else {
        assert_eq!(lost, [0, 0]);
    }
}

/// The other replica is killed between moving the head and its commit, or takes it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_waits_for_one_that_fails_and_comes_in_its_place() {
    for is_killed in [true, false] {
        let test = with_clients(1).await;
        let mut other = hold_head(&test.database).await;
        let store = test.app.store().clone();
        let renaming = tokio::spawn(async move { rename(&store, &id("c0"), "later").await });
        pause().await;
        assert!(!renaming.is_finished());

        if !is_killed {
            other.run("rollback").await;
        }
        drop(other);

        renaming.await.unwrap().unwrap();
        assert_eq!(targets(&test, Action::ClientUpdate).await, ["c0"]);
    }
}

/// The next changes of a replica are chained behind one that is not committed; then that one fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_chained_behind_a_change_that_fails_is_appended_without_it() {
    let test = with_clients(3).await;
    let store = test.app.store();
    let other = hold_head(&test.database).await;
    let renaming: Vec<_> = (0..3)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { rename(&store, &id(&format!("c{n}")), "x").await })
        })
        .collect();
    pause().await;

    // Its caller goes away, wherever it is.
    renaming[0].abort();
    drop(other);

    for renaming in renaming.into_iter().skip(1) {
        renaming.await.unwrap().unwrap();
    }
    rename(store, &id("c0"), "again").await.unwrap();
    let renamed = targets(&test, Action::ClientUpdate).await;
    assert!(renamed.len() == 3 || renamed.len() == 4, "{renamed:?}");
}

#[tokio::test]
async fn after_a_restore_of_an_older_database_changes_go_on_behind_its_head() {
    let test = with_clients(1).await;
    let store = test.app.store();
    rename(store, &id("c0"), "kept").await.unwrap();
    test.database
        .execute("create table copy as select * from audit_head")
        .await;
    let kept = store.last_change().await.unwrap();
    for name in ["lost", "lost too"] {
        rename(store, &id("c0"), name).await.unwrap();
    }
    for sql in [
        "delete from audit_events where event_id > (select last_id from copy)".to_owned(),
        format!("delete from changes where change_id > {}", kept.0),
        "delete from audit_head".to_owned(),
        "insert into audit_head select * from copy".to_owned(),
    ] {
        assert!(test.database.execute(&sql).await > 0, "{sql}");
    }

    rename(store, &id("c0"), "after").await.unwrap();
    revoke(store, 1, "c0").await.unwrap();

    assert_eq!(targets(&test, Action::ClientUpdate).await.len(), 2);
    let page = store.list_changes(kept, 10).await.unwrap().unwrap();
    assert_eq!(page.changes.len(), 2);
}

/// An end that was not authentic is not remembered: once an operator has accepted it, changes go on.
#[tokio::test]
async fn an_end_that_an_operator_accepted_is_built_on_by_replicas_that_refused_it() {
    let test = with_clients(1).await;
    let (store, operator) = (test.app.store(), test.replica().await);
    let log_in = || {
        let event = NewEvent::new(Action::AdminLogIn, Target::Admin("ann".to_owned()));
        store.insert_audit_event(event, BY.at(NOW))
    };
    log_in().await.unwrap();
    for sql in [
        "update audit_events set mac = '00', hash = '00' where event_id = 2",
        "update audit_head set mac = '00', hash = '00'",
    ] {
        assert_eq!(test.database.execute(sql).await, 1);
    }
    for _ in 0..2 {
        assert!(matches!(log_in().await, Err(StoreError::AuditTrail(_))));
        let renamed = rename(store, &id("c0"), "x").await;
        assert!(matches!(renamed, Err(StoreError::AuditTrail(_))));
        let revoked = revoke(store, 1, "c0").await;
        assert!(matches!(revoked, Err(StoreError::AuditTrail(_))));
    }

    let seen = operator.app.audit.find_unverified().await.unwrap().unwrap();
    operator.app.audit.accept_head(BY, &seen).await.unwrap();

    log_in().await.unwrap();
    rename(store, &id("c0"), "x").await.unwrap();
    revoke(store, 1, "c0").await.unwrap();
    assert_eq!(targets(&test, Action::TokenRevoke).await.len(), 1);
}

/// Six round trips under the lock would take twelve seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_the_round_trips_of_a_change_others_wait_for_one() {
    const ROUND_TRIP: Duration = Duration::from_millis(100);
    const CHANGES: usize = 20;
    let near = with_clients(CHANGES).await;
    let distance = Distance::default();
    let Some(far) = near.database.far(&distance).await else {
        return;
    };
    let far = TestApp::on(far, &[("DATABASE_POOL_SIZE", "20")]).await;
    let rename_all = async || {
        let renaming = (0..CHANGES).map(|n| {
            let store = far.app.store().clone();
            tokio::spawn(async move { rename(&store, &id(&format!("c{n}")), "far").await })
        });
        for renaming in renaming.collect::<Vec<_>>() {
            renaming.await.unwrap().unwrap();
        }
    };
    // Connects, and prepares the statements.
    rename_all().await;
    distance.set_round_trip(ROUND_TRIP);

    let began = Stopwatch::start();
    rename_all().await;
    let renamed = began.elapsed();
    let revoking = (0..200).map(|n| {
        let store = far.app.store().clone();
        tokio::spawn(async move { revoke(&store, n, "a").await })
    });
    let began = Stopwatch::start();
    for revoking in revoking.collect::<Vec<_>>() {
        revoking.await.unwrap().unwrap();
    }
    let revoked = began.elapsed();

    // With six round trips of each under the lock these would be 12 s and 2 minutes.
    assert!(renamed < Duration::from_secs(9), "{renamed:?}");
    assert!(revoked < Duration::from_secs(20), "{revoked:?}");
    assert_eq!(targets(&near, Action::TokenRevoke).await.len(), 200);
}

/// So a replica that freezes stops the others for two seconds at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_is_idle_for_two_seconds_is_ended_and_may_be_tried_again() {
    let near = with_clients(1).await;
    let distance = Distance::default();
    let Some(far) = near.database.far(&distance).await else {
        return;
    };
    let far = TestApp::on(far, &[]).await;
    rename(far.app.store(), &id("c0"), "near").await.unwrap();

    distance.set_round_trip(Duration::from_secs(3));
    let late = rename(far.app.store(), &id("c0"), "late").await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");

    distance.set_round_trip(Duration::ZERO);
    rename(far.app.store(), &id("c0"), "again").await.unwrap();
    assert_eq!(targets(&near, Action::ClientUpdate).await.len(), 2);
}

/// It computes for longer between two statements, and writes more in one of them.
#[tokio::test]
async fn an_import_has_more_time_than_other_changes() {
    let test = TestApp::with(&[("DATABASE_STATEMENT_TIMEOUT", "1s")]).await;
    if !matches!(test.database.connect().await, Connection::Postgres(_)) {
        return;
    }
    let mut other = test.database.begin().await;
    other.run("select * from audit_head for update").await;
    let source = ImportSource::of_bytes(
        None,
        b"client_id,client_secret\na,the first secret\n".to_vec(),
    );
    let (clients, options) = (&test.app.clients, ImportOptions::default());
    let importing = async { clients.import(BY, &source, options, &mut |_| {}).await };
    let unlocking = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        other.run("commit").await;
    };

    let (imported, ()) = tokio::join!(importing, unlocking);

    assert_eq!(imported.unwrap().imported, 1);
}
