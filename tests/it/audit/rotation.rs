//! The trail across changes of `SECRET`.

use token_server::app::{App, AuditVerdict};
use token_server::base::clock::Clock;

use super::{B, C, refuses_changes, rename, with_events};
use crate::harness::trail::all;
use crate::harness::{Database, NOW, SECRET, TestApp, config};

/// What `audit verify` says under these settings.
async fn verify(database: &Database, settings: &[(&str, &str)]) -> AuditVerdict {
    let config = config(&database.url, settings);
    let app = App::open(config, Clock::fixed(NOW)).unwrap();
    app.audit.verify(None).await.unwrap()
}

async fn is_good(database: &Database, settings: &[(&str, &str)]) -> bool {
    verify(database, settings).await.good
}

/// A replica that starts under these secrets.
async fn start(database: &Database, secret: &str, previous: &str) -> TestApp {
    let settings = [("SECRET", secret), ("SECRET_PREVIOUS", previous)];
    let test = TestApp::on(database.clone(), &settings).await;
    test.app.audit.take_over().await.unwrap();
    test
}

#[tokio::test]
async fn a_trail_is_vouched_for_by_secret_and_secret_previous() {
    let test = with_events(3).await;

    assert!(!is_good(&test.database, &[("SECRET", B)]).await);
    let both = [("SECRET", B), ("SECRET_PREVIOUS", SECRET)];
    assert!(is_good(&test.database, &both).await);
}

#[tokio::test]
async fn after_the_start_under_a_new_secret_the_trail_is_good_without_the_old_one() {
    let test = with_events(3).await;

    start(&test.database, B, SECRET).await;

    let verdict = verify(&test.database, &[("SECRET", B)]).await;
    assert!(verdict.good, "{verdict:?}");
    assert_eq!((verdict.checked, verdict.accepted_at), (4, None));
    let said = all(&test).await.pop().unwrap();
    assert_eq!(
        (&*said.action, &*said.actor_type),
        ("audit.key_change", "server")
    );
    // Once.
    start(&test.database, B, SECRET).await;
    assert_eq!(all(&test).await.len(), 4);
}

#[tokio::test]
async fn the_first_change_under_a_new_secret_names_the_last_event_under_the_old_one() {
    let test = with_events(3).await;
    let settings = [("SECRET", B), ("SECRET_PREVIOUS", SECRET)];
    let other = TestApp::on(test.database.clone(), &settings).await;

    rename(&other, "new").await;

    let actions: Vec<_> = all(&test).await.into_iter().skip(3).collect();
    let actions: Vec<&str> = actions.iter().map(|event| &*event.action).collect();
    assert_eq!(actions, ["audit.key_change", "client.update"]);
    assert!(is_good(&test.database, &[("SECRET", B)]).await);
}

#[tokio::test]
async fn a_trail_stays_good_over_several_changes_of_secret() {
    let test = with_events(3).await;
    rename(&start(&test.database, B, SECRET).await, "under b").await;
    rename(&start(&test.database, C, B).await, "under c").await;

    assert!(is_good(&test.database, &[("SECRET", C)]).await);
    assert!(!is_good(&test.database, &[("SECRET", SECRET)]).await);
}

#[tokio::test]
async fn replicas_under_the_old_and_the_new_secret_may_write_in_turn_if_each_knows_the_other() {
    let test = with_events(2).await;
    let old = start(&test.database, SECRET, B).await;
    let new = start(&test.database, B, SECRET).await;
    for _ in 0..2 {
        rename(&old, "old").await;
        rename(&new, "new").await;
    }
    rename(&old, "old at last").await;
    for known in [(SECRET, B), (B, SECRET)] {
        let settings = [("SECRET", known.0), ("SECRET_PREVIOUS", known.1)];
        assert!(is_good(&test.database, &settings).await);
    }
    assert!(!is_good(&test.database, &[("SECRET", B)]).await);

    // The last one restarts under the new secret.
    start(&test.database, B, SECRET).await;

    assert!(is_good(&test.database, &[("SECRET", B)]).await);
}

#[tokio::test]
async fn a_replica_that_does_not_know_the_new_secret_changes_nothing() {
    let test = with_events(3).await;
    let new = start(&test.database, B, SECRET).await;
    rename(&new, "new").await;

    refuses_changes(
        &test,
        "Set SECRET_PREVIOUS on every replica to the secret that wrote it",
    )
    .await;

    rename(&new, "newer").await;
    assert!(is_good(&test.database, &[("SECRET", B)]).await);
}

#[tokio::test]
async fn a_trail_under_a_forgotten_secret_is_removed_by_age_and_stays_good() {
    const DAY: i64 = 86_400;
    // Two events on the first day; on the third one more, and the change of SECRET with one behind it; one on the fifth.
    for (day, removed) in [(731, 2), (733, 5)] {
        let test = with_events(2).await;
        test.clock.advance(2 * DAY);
        rename(&test, "third").await;
        let both = [("SECRET", B), ("SECRET_PREVIOUS", SECRET)];
        let new = TestApp::at(test.clock.clone(), test.database.clone(), &both).await;
        rename(&new, "third under b").await;
        test.clock.advance(2 * DAY);
        rename(&new, "fifth").await;
        test.clock.advance((day - 4) * DAY + 1);
        let alone = [("SECRET", B)];
        let alone = TestApp::at(test.clock.clone(), test.database.clone(), &alone).await;

        assert_eq!(alone.app.audit.prune().await.unwrap(), removed);

        let verdict = verify(&test.database, &[("SECRET", B)]).await;
        assert!(verdict.good, "{verdict:?}");
        assert_eq!(
            (verdict.anchor.event_id, verdict.checked),
            (removed.cast_signed(), 7 - removed)
        );
    }
}
