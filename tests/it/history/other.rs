//! A database of another installation, at the address of the known one.

use super::{LONG, assert_unavailable, assert_works, fail_to_read, migrate, revoke, status};
use crate::harness::{CLIENT, Database, Log, TestApp};

async fn rename(database: &Database, identity: &str) {
    let sql = format!("update installation set identity = '{identity}'");
    assert_eq!(database.execute(&sql).await, 1);
}

#[tokio::test]
async fn each_new_database_has_an_identity_and_an_epoch_of_its_own() {
    let (one, other) = (Database::empty().await, Database::empty().await);
    let mut identities = Vec::new();
    for database in [&one, &other] {
        let test = migrate(database).await;
        let standing = test.app.store().look().await.unwrap();
        assert_eq!(standing.installation.epoch, 1);
        assert!(!standing.is_read_only);
        identities.push(standing.installation.identity);

        test.app.store().migrate(&|_| {}).await.unwrap();
        let again = test.app.store().look().await.unwrap();
        assert_eq!(
            again.installation.identity,
            identities[identities.len() - 1]
        );
    }

    assert_ne!(identities[0], identities[1]);
    assert!(identities.iter().all(|it| it.len() == 22), "{identities:?}");
}

#[tokio::test]
async fn nothing_is_written_to_another_database_and_nothing_cached_from_it() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let log = Log::default();
    let guard = log.capture();

    rename(&test.database, "another").await;
    fail_to_read(&test).await;
    drop(guard);

    assert_eq!(status(&test).await, "degraded: another database");
    // As without a database: known clients go on, and nobody else.
    let next = test.token(&secret).await;
    for good in [&token, &next] {
        assert_eq!(test.verify(good).await.status, 200);
    }
    assert_unavailable(&test.authorize("nobody", "guess").await);
    assert_unavailable(&revoke(&test, &secret, &token).await);
    let known = test.app.store().obstacle().unwrap().to_string();
    assert!(known.contains("is another, and was "), "{known}");
    assert!(log.text().contains(&known), "{}", log.text());
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn when_the_known_database_is_back_everything_works() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let known = test.app.store().look().await.unwrap().installation.identity;

    rename(&test.database, "another").await;
    fail_to_read(&test).await;
    fail_to_read(&test).await;
    rename(&test.database, &known).await;
    test.read_changes().await;

    assert_works(&test, &secret).await;
}

#[tokio::test]
async fn a_restarted_replica_takes_the_other_database() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    rename(&test.database, "another").await;
    fail_to_read(&test).await;

    let restarted = test.replica().await;

    assert_works(&restarted, &secret).await;
}

/// Between two readings of the changes, too.
#[tokio::test]
async fn a_new_connection_to_another_database_is_not_used() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    if test.app.store().product() != "Postgres" {
        return;
    }
    let short = [("DATABASE_ACQUIRE_TIMEOUT", "1s")];
    let other = TestApp::on(test.database.clone(), &short).await;

    rename(&test.database, "another").await;
    other.app.store().reconnect();
    let asked = other.authorize(CLIENT, &secret);
    assert_unavailable(&tokio::time::timeout(LONG, asked).await.unwrap());
    assert_unavailable(&revoke(&other, &secret, &token).await);

    assert!(other.app.store().obstacle().is_some());
}
