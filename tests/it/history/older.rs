//! A database that is older than what replicas know: after a restore, or a fail-over that lost the last commits.

use token_server::domain::ClientStatus;

use super::{
    Snapshot, assert_works, disable, id, is_on_file, number, read_anew, register_new, snapshot,
    status,
};
use crate::harness::{BY, CLIENT, Log, TestApp};

/// Puts the database back to what it was; the replicas read it, and one starts on it.
async fn fail_over(snapshot: Snapshot, replicas: &[&TestApp]) -> TestApp {
    snapshot.put_back().await;
    for test in replicas {
        read_anew(test).await;
    }
    replicas[0].replica().await
}

async fn assert_refused(replicas: &[&TestApp], token: &str) {
    for test in replicas {
        test.verify(token).await.assert_error(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_lost_revocation_of_a_token_is_written_back() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let [lost, good] = [test.token(&secret).await, test.token(&secret).await];
    let snapshot = snapshot(&[&test]).await;
    test.app.tokens.revoke(BY, &lost).await.unwrap();
    test.read_changes().await;
    let log = Log::default();
    let guard = log.capture();

    let later = fail_over(snapshot, &[&test]).await;
    drop(guard);

    assert_refused(&[&test, &later], &lost).await;
    for replica in [&test, &later] {
        assert_eq!(replica.verify(&good).await.status, 200);
        assert_works(replica, &secret).await;
    }
    let told = "wrote back 1 revocation(s) of tokens and 0 generation(s) of clients that the database had lost";
    assert!(log.text().contains(told), "{}", log.text());
    let events = "select count(*) from audit_events where action = 'revocations.write_back'";
    assert_eq!(number(&test.database, events).await, 1);
}

/// Its own replica has not read it in the changes when it is lost.
#[tokio::test]
async fn a_revocation_that_is_lost_right_after_it_was_acknowledged_is_written_back() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let lost = test.token(&secret).await;
    test.read_changes().await;
    let snapshot = snapshot(&[&test]).await;
    test.app.tokens.revoke(BY, &lost).await.unwrap();

    let later = fail_over(snapshot, &[&test]).await;

    assert_refused(&[&test, &later], &lost).await;
}

#[tokio::test]
async fn a_generation_that_is_lost_right_after_it_was_acknowledged_is_written_back() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let lost = test.token(&secret).await;
    test.read_changes().await;
    let snapshot = snapshot(&[&test]).await;
    test.app.tokens.revoke_client(BY, &id()).await.unwrap();

    let later = fail_over(snapshot, &[&test]).await;

    assert_refused(&[&test, &later], &lost).await;
    assert_works(&test, &secret).await;
    assert_works(&later, &secret).await;
}

/// The client is enabled, as the database says; its old tokens are revoked, as the replica knows. All replicas agree, and
/// accept each other's tokens.
#[tokio::test]
async fn a_lost_disable_leaves_the_client_enabled_and_its_old_tokens_revoked() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let old = test.token(&secret).await;
    let snapshot = snapshot(&[&test]).await;
    disable(&test).await;
    test.read_changes().await;
    test.authorize(CLIENT, &secret)
        .await
        .assert_error(401, "invalid_client");

    let later = fail_over(snapshot, &[&test]).await;

    assert_refused(&[&test, &later], &old).await;
    for (issues, verifies) in [(&test, &later), (&later, &test)] {
        let token = issues.token(&secret).await;
        assert_eq!(verifies.verify(&token).await.status, 200);
    }
    assert_eq!(status(&test).await, "ready");
}

#[tokio::test]
async fn a_lost_delete_leaves_the_client_and_its_old_tokens_revoked() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let old = test.token(&secret).await;
    let snapshot = snapshot(&[&test]).await;
    test.delete_client(&id()).await;
    test.read_changes().await;

    let later = fail_over(snapshot, &[&test]).await;

    assert_refused(&[&test, &later], &old).await;
    let token = later.token(&secret).await;
    assert_eq!(test.verify(&token).await.status, 200);
}

/// A client that nobody knows any more; its tokens may be shown until they expire.
#[tokio::test]
async fn revocations_of_a_client_that_the_database_lost_are_written_back() {
    let test = TestApp::new().await;
    test.client().await;
    let snapshot = snapshot(&[&test]).await;
    let (new, [one, other]) = register_new(&test).await;
    test.app.tokens.revoke(BY, &one).await.unwrap();
    test.app.tokens.revoke_client(BY, &new).await.unwrap();

    let later = fail_over(snapshot, &[&test]).await;

    assert_refused(&[&test, &later], &one).await;
    assert_refused(&[&test, &later], &other).await;
}

/// Of two sets of revocations their union.
#[tokio::test]
async fn what_each_replica_knows_is_written_back() {
    let test = TestApp::new().await;
    if is_on_file(&test) {
        return;
    }
    let secret = test.client().await;
    let other = test.replica().await;
    let [here, there] = [test.token(&secret).await, test.token(&secret).await];
    let snapshot = snapshot(&[&test, &other]).await;
    test.app.tokens.revoke(BY, &here).await.unwrap();
    other.app.tokens.revoke(BY, &there).await.unwrap();
    assert_eq!(test.verify(&there).await.status, 200);

    snapshot.put_back().await;
    for replica in [&test, &other, &test] {
        read_anew(replica).await;
    }
    let later = test.replica().await;

    for token in [&here, &there] {
        assert_refused(&[&test, &other, &later], token).await;
    }
}

/// Of two generations the higher one, also where the database has it.
#[tokio::test]
async fn a_higher_generation_in_the_database_stays() {
    let test = TestApp::new().await;
    if is_on_file(&test) {
        return;
    }
    let secret = test.client().await;
    let snapshot = snapshot(&[&test]).await;
    test.app.tokens.revoke_client(BY, &id()).await.unwrap();
    snapshot.put_back().await;
    test.clock.advance(60);
    let later = TestApp::at(test.clock.clone(), test.database.clone(), &[]).await;
    let old = later.token(&secret).await;
    later.app.tokens.revoke_client(BY, &id()).await.unwrap();
    let sql = "select generation from clients";
    let higher = number(&test.database, sql).await;

    read_anew(&test).await;

    assert_eq!(number(&test.database, sql).await, higher);
    assert_refused(&[&test, &later], &old).await;
    assert_works(&test, &secret).await;
}

/// Everything else is as the database says.
#[tokio::test]
async fn what_is_no_revocation_is_as_the_database_says() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    disable(&test).await;
    let snapshot = snapshot(&[&test]).await;
    let (id, on) = (id(), ClientStatus::Enabled);
    test.set_client_status(&id, on).await;
    test.token(&secret).await;
    test.read_changes().await;

    let later = fail_over(snapshot, &[&test]).await;

    for replica in [&test, &later] {
        replica
            .authorize(CLIENT, &secret)
            .await
            .assert_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn while_they_cannot_be_written_back_it_is_degraded_and_tries_again() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let lost = test.token(&secret).await;
    let snapshot = snapshot(&[&test]).await;
    test.app.tokens.revoke(BY, &lost).await.unwrap();
    snapshot.put_back().await;
    let refuse = "create trigger refuse before insert on revocations";
    let (create, drop) = if test.app.store().product() == "Postgres" {
        let function = "create function refuse() returns trigger language plpgsql as \
                        $$ begin raise exception 'for a test'; end $$";
        test.database.execute(function).await;
        (
            format!("{refuse} for each row execute function refuse()"),
            "drop trigger refuse on revocations",
        )
    } else {
        (
            format!("{refuse} begin select raise(abort, 'for a test'); end"),
            "drop trigger refuse",
        )
    };
    test.database.execute(&create).await;

    for _ in 0..2 {
        read_anew(&test).await;
        let expected = "degraded: revocations not written back";
        assert_eq!(status(&test).await, expected);
        let token = test.token(&secret).await;
        assert_eq!(test.verify(&token).await.status, 200);
    }
    test.database.execute(drop).await;
    test.read_changes().await;

    assert_eq!(status(&test).await, "ready");
    let later = test.replica().await;
    assert_refused(&[&test, &later], &lost).await;
}
