//! `restore`: what an operator runs on a database that was restored from a backup.

use super::{
    assert_works, disable, id, is_on_file, number, read_anew, register_new, snapshot, status,
};
use crate::harness::{BY, CLIENT, Log, TestApp};

async fn restore(test: &TestApp, keep_tokens: bool) -> i64 {
    let restored = test.app.replication.restore(BY, keep_tokens).await;
    restored.unwrap().epoch
}

#[tokio::test]
async fn every_token_from_before_is_revoked_and_the_next_ones_are_good_on_every_replica() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let running = test.replica().await;
    let old = running.token(&secret).await;

    assert_eq!(restore(&test, false).await, 2);
    running.read_changes().await;
    let later = test.replica().await;

    for replica in [&running, &later] {
        let answer = replica.verify(&old).await;
        answer.assert_error(401, "invalid_token");
        let token = replica.token(&secret).await;
        for other in [&running, &later] {
            assert_eq!(other.verify(&token).await.status, 200);
        }
        assert_works(replica, &secret).await;
    }
}

/// Nobody knows what was revoked of a client that the backup does not have.
#[tokio::test]
async fn tokens_of_clients_that_the_backup_lacks_are_revoked_too() {
    let test = TestApp::new().await;
    test.client().await;
    let snapshot = snapshot(&[&test]).await;
    let (_, [token, _]) = register_new(&test).await;

    snapshot.put_back().await;
    let later = test.replica().await;
    assert_eq!(later.verify(&token).await.status, 200);
    restore(&later, false).await;
    later.read_changes().await;

    let answer = later.verify(&token).await;
    answer.assert_error(401, "invalid_token");
}

/// The one that was lost began in the second of the restore.
#[tokio::test]
async fn tokens_of_this_second_are_revoked_also_where_the_backup_has_no_client() {
    let test = TestApp::new().await;
    let snapshot = snapshot(&[&test]).await;
    let (_, [token, _]) = register_new(&test).await;

    snapshot.put_back().await;
    let later = test.replica().await;
    restore(&later, false).await;
    later.read_changes().await;

    let answer = later.verify(&token).await;
    answer.assert_error(401, "invalid_token");
    let secret = later.client().await;
    assert_works(&later, &secret).await;
}

#[tokio::test]
async fn tokens_can_be_kept() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;

    assert_eq!(restore(&test, true).await, 2);
    assert_eq!(restore(&test, true).await, 3);
    test.read_changes().await;

    for replica in [&test, &test.replica().await] {
        assert_eq!(replica.verify(&token).await.status, 200);
    }
}

/// A generation that is ahead of the clock is raised as well.
#[tokio::test]
async fn a_generation_beyond_the_time_is_raised() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.database
        .execute("update clients set generation = 9000000000000000")
        .await;
    let old = test.token(&secret).await;

    restore(&test, false).await;
    test.read_changes().await;

    test.verify(&old).await.assert_error(401, "invalid_token");
    assert_works(&test, &secret).await;
}

/// The backup has all that the replica has read, so that nothing else says that it was restored.
#[tokio::test]
async fn a_running_replica_notices_the_epoch_and_writes_back_what_it_knows() {
    let test = TestApp::new().await;
    if is_on_file(&test) {
        return;
    }
    let secret = test.client().await;
    let lost = test.token(&secret).await;
    test.read_changes().await;
    let snapshot = snapshot(&[&test]).await;
    test.app.tokens.revoke(BY, &lost).await.unwrap();
    snapshot.put_back().await;
    let operator = test.replica().await;
    restore(&operator, true).await;
    let log = Log::default();
    let guard = log.capture();

    read_anew(&test).await;
    drop(guard);

    let told = "the database was restored (its epoch was 1 and is 2)";
    assert!(log.text().contains(told), "{}", log.text());
    let later = test.replica().await;
    later.verify(&lost).await.assert_error(401, "invalid_token");
    assert_eq!(status(&test).await, "ready");
}

#[tokio::test]
async fn it_is_in_the_audit_trail() {
    let test = TestApp::new().await;
    test.client().await;

    restore(&test, false).await;

    let events = "select count(*) from audit_events \
                  where action = 'installation.restore' and target_type = 'installation' \
                  and state_after like '%\"epoch\":2%' and state_after like '%\"tokens\":\"revoked\"%'";
    assert_eq!(number(&test.database, events).await, 1);
}

/// A client that is disabled stays so, and one whose tokens were revoked has a higher generation still.
#[tokio::test]
async fn clients_stay_what_they_are() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    test.app.tokens.revoke_client(BY, &id()).await.unwrap();
    disable(&test).await;

    restore(&test, false).await;
    test.read_changes().await;

    test.authorize(CLIENT, &secret)
        .await
        .assert_error(401, "invalid_client");
}
