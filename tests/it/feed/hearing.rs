//! How soon a replica reads: at once when the database says that something has changed, and after an interval when it
//! does not.

use std::sync::Arc;
use std::time::Duration;

use token_server::app::background;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{scope, set_scope};
use crate::harness::{BY, Database, LONG, TestApp, Wire, until};

/// So rarely that no test sees it.
const NEVER: Duration = Duration::from_hours(1);

async fn knows_scope(test: &TestApp, secret: &str, expected: &str) {
    let knows = async || scope(test, secret).await == expected;
    until(&format!("it knows the scope {expected}"), knows).await;
}

#[tokio::test]
async fn a_replica_that_listens_knows_of_a_change_without_asking() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    if other.app.store().listen().await.unwrap().is_none() {
        return;
    }
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let app = || Arc::clone(&other.app);
    tasks.spawn(background::follow_changes(app(), NEVER, stop.clone()));
    tasks.spawn(background::listen(app(), stop.clone()));
    // It listens by the time that it knows this, for it reads once when it begins to.
    set_scope(&test, "first").await;
    knows_scope(&other, &secret, "first").await;

    for expected in ["second", "third"] {
        set_scope(&test, expected).await;
        knows_scope(&other, &secret, expected).await;
    }
    let token = other.token(&secret).await;
    test.app.tokens.revoke(BY, &token).await.unwrap();
    let refused = async || other.verify(&token).await.status == 401;
    until("it refuses the revoked token", refused).await;

    stop.cancel();
    timeout(LONG, tasks.join_all()).await.unwrap();
}

#[tokio::test]
async fn a_replica_that_hears_nothing_asks_by_itself() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let other = test.replica().await;
    let stop = CancellationToken::new();
    let following = tokio::spawn(background::follow_changes(
        Arc::clone(&other.app),
        Duration::from_millis(20),
        stop.clone(),
    ));

    for expected in ["first", "second", "third"] {
        set_scope(&test, expected).await;
        knows_scope(&other, &secret, expected).await;
    }

    stop.cancel();
    timeout(LONG, following).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lost_connection_is_told_and_the_next_one_hears_again() {
    let database = Database::fresh().await;
    let Some(wire) = Wire::to(&database).await else {
        return;
    };
    let test = TestApp::on(database, &[]).await;
    test.client().await;
    let other = TestApp::on(wire.database.clone(), &[]).await;
    let listen = async || other.app.store().listen().await;
    let mut listener = listen().await.unwrap().unwrap();

    set_scope(&test, "first").await;
    timeout(LONG, listener.wait()).await.unwrap().unwrap();
    wire.cut();
    assert!(timeout(LONG, listener.wait()).await.unwrap().is_err());
    assert!(listen().await.is_err());
    wire.mend();
    let mut listener = listen().await.unwrap().unwrap();
    set_scope(&test, "second").await;

    timeout(LONG, listener.wait()).await.unwrap().unwrap();
}

/// A database may serve more than one service, each in a schema of its own.
#[tokio::test]
async fn what_changes_in_another_schema_wakes_nobody() {
    let test = TestApp::new().await;
    test.client().await;
    let stranger = TestApp::new().await;
    stranger.client().await;
    let Some(mut listener) = test.app.store().listen().await.unwrap() else {
        return;
    };

    set_scope(&stranger, "other").await;
    let mut heard = tokio::spawn(async move { listener.wait().await });
    // Postgres delivers in the order of the commits: had it woken, it would have by the time of the second.
    let mut witness = stranger.app.store().listen().await.unwrap().unwrap();
    set_scope(&stranger, "another").await;
    timeout(LONG, witness.wait()).await.unwrap().unwrap();
    assert!(!heard.is_finished());
    set_scope(&test, "other").await;

    timeout(LONG, &mut heard).await.unwrap().unwrap().unwrap();
}
