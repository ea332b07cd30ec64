//! Revocations that wait for the row together.

use std::collections::HashSet;
use std::time::Duration;

use token_server::domain::{Action, ChangeId};
use token_server::store::StoreError;

use super::{hold_head, pause, rename, revoke, revoked, targets, with_clients};
use crate::harness::{Database, Distance, TestApp, id};
use crate::store::token;

/// Some of them are of one token, and some were revoked before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revocations_that_wait_together_are_each_written_once_with_an_event() {
    let test = TestApp::new().await;
    let store = test.app.store();
    revoke(store, 3, "a").await.unwrap();
    let revoking: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { revoke(&store, n / 2, "a").await })
        })
        .collect();
    for revoking in revoking {
        revoking.await.unwrap().unwrap();
    }

    let listed: Vec<String> = revoked(store)
        .await
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(listed.iter().collect::<HashSet<_>>().len(), 100);
    assert_eq!(targets(&test, Action::TokenRevoke).await, listed);
    let page = store.list_changes(ChangeId(0), 1_000).await.unwrap();
    assert_eq!(page.unwrap().changes.len(), 100);
}

/// The database refuses what is of one client.
async fn refuse(database: &Database, client_id: &str) {
    let sql = if database.is_postgres() {
        format!("alter table revocations add check (client_id <> '{client_id}')")
    } else {
        format!(
            "create trigger refuse before insert on revocations when new.client_id = '{client_id}'
             begin select raise(abort, 'refused'); end"
        )
    };
    database.execute(&sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_that_fails_fails_alone() {
    let test = TestApp::new().await;
    let store = test.app.store();
    refuse(&test.database, "bad").await;
    let revoking: Vec<_> = (0..40)
        .map(|n| {
            let (store, client_id) = (store.clone(), if n % 10 == 7 { "bad" } else { "good" });
            tokio::spawn(async move { revoke(&store, n, client_id).await })
        })
        .collect();
    let mut refused = Vec::new();
    for (n, revoking) in revoking.into_iter().enumerate() {
        match revoking.await.unwrap() {
            Ok(_) => {}
            Err(StoreError::Database(_)) => refused.push(n),
            Err(other) => panic!("{other:?}"),
        }
    }

    assert_eq!(refused, [7, 17, 27, 37]);
    assert_eq!(revoked(store).await.len(), 36);
    assert_eq!(targets(&test, Action::TokenRevoke).await.len(), 36);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_goes_away_takes_no_revocation_from_the_others() {
    let test = TestApp::new().await;
    let store = test.app.store();
    let other = hold_head(&test.database).await;
    let mut revoking = Vec::new();
    for n in 0..4 {
        let store = store.clone();
        revoking.push(tokio::spawn(async move { revoke(&store, n, "a").await }));
        pause().await;
    }

    // The first one is being written, the second one waits.
    for gone in [0, 1] {
        revoking[gone].abort();
    }
    pause().await;
    drop(other);
    for revoking in revoking.into_iter().skip(2) {
        revoking.await.unwrap().unwrap();
    }

    assert_eq!(revoked(store).await, [0, 2, 3].map(token));
}

/// Who goes away while a transaction begins leaves none behind, in which what comes next would never be committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_acknowledged_is_committed_though_callers_before_went_away() {
    let test = with_clients(1).await;
    let distance = Distance::default();
    let far = test.database.far(&distance).await;
    let database = far.unwrap_or(test.database.clone());
    let one = TestApp::on(database, &[("DATABASE_POOL_SIZE", "1")]).await;
    let store = one.app.store();
    revoke(store, 1, "c0").await.unwrap();
    distance.set_round_trip(Duration::from_millis(100));

    for wait in [20, 60, 120, 160, 250] {
        let client_id = id("c0");
        let renamed = rename(store, &client_id, "x");
        drop(tokio::time::timeout(Duration::from_millis(wait), renamed).await);
        distance.set_round_trip(Duration::ZERO);
        revoke(store, u128::from(wait), "c0").await.unwrap();
        distance.set_round_trip(Duration::from_millis(100));
        let seen = revoked(test.app.store()).await;
        assert_eq!(seen.last(), Some(&token(u128::from(wait))));
    }
}
