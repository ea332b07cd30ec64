//! What one replica changes, another one heeds when it next reads the changes, and not before: that is what makes
//! its memory good for so long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use token_server::app::{App, NewSecret, TokenRequirements};
use token_server::base::clock::UnixTime;

use super::{disable, id, scope, secret_id, set_scope};
use crate::harness::{BY, CLIENT, NOW, TestApp, config};

/// Neither the client nor a token of it is good any more.
async fn assert_refused(test: &TestApp, token: &str, secret: &str) {
    test.verify(token).await.assert_error(401, "invalid_token");
    test.authorize(CLIENT, secret)
        .await
        .assert_error(401, "invalid_client");
}

#[tokio::test]
async fn a_changed_scope() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    assert_eq!(scope(&other, &secret).await, "read write");

    set_scope(&test, "other").await;
    assert_eq!(scope(&other, &secret).await, "read write");
    other.read_changes().await;

    assert_eq!(scope(&other, &secret).await, "other");
}

#[tokio::test]
async fn a_disabled_client() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    let token = other.token(&secret).await;

    disable(&test).await;
    assert_eq!(other.verify(&token).await.status, 200);
    other.read_changes().await;

    assert_refused(&other, &token, &secret).await;
}

#[tokio::test]
async fn an_expired_secret_and_an_added_one() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    other.token(&secret).await;

    let added = test
        .app
        .secrets
        .add(BY, &id(), NewSecret::default())
        .await
        .unwrap();
    test.app
        .secrets
        .expire(BY, &id(), &secret_id(&secret), NOW)
        .await
        .unwrap();
    other.token(&secret).await;
    other.read_changes().await;

    other
        .authorize(CLIENT, &secret)
        .await
        .assert_error(401, "invalid_client");
    other.token(added.plain.expose()).await;
}

#[tokio::test]
async fn a_deleted_client() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    let token = other.token(&secret).await;

    test.delete_client(&id()).await;
    other.read_changes().await;

    assert_refused(&other, &token, &secret).await;
}

#[tokio::test]
async fn a_revoked_token() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    let [revoked, good] = [other.token(&secret).await, other.token(&secret).await];

    test.app.tokens.revoke(BY, &revoked).await.unwrap();
    assert_eq!(other.verify(&revoked).await.status, 200);
    other.read_changes().await;

    other
        .verify(&revoked)
        .await
        .assert_error(401, "invalid_token");
    assert_eq!(other.verify(&good).await.status, 200);
}

#[tokio::test]
async fn a_rotated_key() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let other = TestApp::on(test.database.clone(), &[("SIGNING_ALG", "ES256")]).await;
    let signs = |test: &TestApp| test.app.keys.current().signing().unwrap().kid().clone();
    let old = signs(&other);

    test.app.keys.rotate(BY, true).await.unwrap();
    assert_eq!(signs(&other), old);
    other.read_changes().await;

    assert_eq!(signs(&other), signs(&test));
    assert_ne!(signs(&other), old);
}

#[tokio::test]
async fn a_reading_without_changes_leaves_memory_as_it_is() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    other.token(&secret).await;
    other.read_changes().await;

    other.app.store().close().await;

    other.token(&secret).await;
}

/// Longer than changes are kept: of all that was changed the notes are gone.
#[tokio::test]
async fn a_replica_that_slept_for_too_long_reads_everything() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256"), ("TOKEN_TTL", "24h")]).await;
    let secret = test.client().await;
    let other = TestApp::on(test.database.clone(), &[("SIGNING_ALG", "ES256")]).await;
    let [revoked, good] = [test.token(&secret).await, test.token(&secret).await];
    assert_eq!(scope(&other, &secret).await, "read write");

    test.app.tokens.revoke(BY, &revoked).await.unwrap();
    set_scope(&test, "read").await;
    test.app.keys.rotate(BY, true).await.unwrap();
    for app in [&test, &other] {
        app.clock.advance(3_601);
    }
    set_scope(&test, "other").await;
    test.app.replication.prune_changes().await.unwrap();
    assert_eq!(other.verify(&revoked).await.status, 200);
    other.read_changes().await;

    other
        .verify(&revoked)
        .await
        .assert_error(401, "invalid_token");
    assert_eq!(other.verify(&good).await.status, 200);
    assert_eq!(
        other.app.keys.current().signing().unwrap().kid(),
        test.app.keys.current().signing().unwrap().kid()
    );
    // The secret is still proved: it is answered before the throttle, which hears of it only now.
    for _ in 0..25 {
        other.authorize(CLIENT, "wrong").await;
    }
    assert_eq!(other.authorize(CLIENT, "wrong").await.status, 429);
    assert_eq!(scope(&other, &secret).await, "other");
}

#[tokio::test]
async fn changes_are_kept_for_as_long_as_the_setting_says() {
    let test = TestApp::with(&[("CHANGES_RETENTION", "10m")]).await;
    let secret = test.client().await;
    set_scope(&test, "read").await;
    let start = test.app.store().last_change().await.unwrap();
    let kept = async || {
        set_scope(&test, "other").await;
        test.app.replication.prune_changes().await.unwrap();
        let page = test.app.store().list_changes(start, 10).await.unwrap();
        page.is_some()
    };

    test.clock.advance(600);
    assert!(kept().await);
    test.clock.advance(1);
    assert!(!kept().await);
    test.read_changes().await;
    assert_eq!(scope(&test, &secret).await, "other");
}

/// What is revoked before a start begins is refused from its first moment, and what is revoked during it when the
/// changes are next read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_starts_while_tokens_are_revoked_misses_none() {
    let test = Arc::new(TestApp::new().await);
    let secret = test.client().await;
    let before = test.token(&secret).await;
    test.app.tokens.revoke(BY, &before).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let revoking = {
        let (test, stop) = (Arc::clone(&test), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut revoked = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let token = test.token(&secret).await;
                test.app.tokens.revoke(BY, &token).await.unwrap();
                revoked.push(token);
            }
            revoked
        })
    };

    let mut started = Vec::new();
    for _ in 0..10 {
        let settings = config(&test.database.url, &[]);
        let app = App::open(settings, test.clock.clone()).unwrap();
        app.replication.read_changes().await.unwrap();
        assert!(
            app.tokens
                .verify(&before, &TokenRequirements::default())
                .is_err()
        );
        started.push(app);
    }
    stop.store(true, Ordering::Relaxed);
    let revoked = revoking.await.unwrap();

    assert!(!revoked.is_empty());
    for app in started {
        app.replication.read_changes().await.unwrap();
        for token in &revoked {
            let error = app
                .tokens
                .verify(token, &TokenRequirements::default())
                .unwrap_err();
            assert_eq!(error.code.as_str(), "invalid_token");
        }
    }
}

#[tokio::test]
async fn before_everything_is_read_it_is_not_ready() {
    let test = TestApp::new().await;
    let app = App::open(config(&test.database.url, &[]), test.clock.clone()).unwrap();

    assert!(app.replication.check_readiness().await.is_err());
    assert_eq!(app.core.changes_read_at(), None::<UnixTime>);
    app.replication.read_changes().await.unwrap();

    assert!(app.replication.check_readiness().await.is_ok());
    assert_eq!(app.core.changes_read_at(), Some(NOW));
}
