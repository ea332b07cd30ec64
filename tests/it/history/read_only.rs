//! A Postgres that takes no changes: what a standby says, and a database that was set so.

use token_server::app::{App, Degradation, NewClient, Readiness};
use token_server::base::clock::Clock;

use super::{
    administer, assert_takes_no_changes, assert_unavailable, assert_works, name_of, status,
};
use crate::admin_api::Robot;
use crate::harness::{BY, CLIENT, Database, Log, NOW, TestApp, config};

const READ_ONLY: &str = "degraded: database read-only";

/// Sessions that begin from now on are read-only or take changes again; the service begins new ones.
async fn set_read_only(test: &TestApp, is_read_only: bool) {
    let name = name_of(&test.database.url);
    let set = format!("alter database {name} set default_transaction_read_only = {is_read_only}");
    administer(&test.database.url, &[&set]).await;
    test.app.store().reconnect();
}

/// A service on a Postgres, and its client's secret; `None` on a file.
async fn on_postgres(settings: &[(&str, &str)]) -> Option<(TestApp, String)> {
    let test = TestApp::with(settings).await;
    let secret = test.client().await;
    (test.app.store().product() == "Postgres").then_some((test, secret))
}

#[tokio::test]
async fn changes_are_503_tokens_go_on_and_readyz_says_why() {
    let Some((test, secret)) = on_postgres(&[]).await else {
        return;
    };
    set_read_only(&test, true).await;
    test.read_changes().await;

    assert_eq!(status(&test).await, READ_ONLY);
    // The client is read: nothing has it in memory.
    assert_takes_no_changes(&test, &secret).await;
    test.authorize("nobody", "guess")
        .await
        .assert_error(401, "invalid_client");
    let id = super::id();
    assert!(test.app.tokens.revoke_client(BY, &id).await.is_err());
}

#[tokio::test]
async fn it_is_noticed_that_the_database_takes_changes_again() {
    let Some((test, secret)) = on_postgres(&[]).await else {
        return;
    };
    set_read_only(&test, true).await;
    test.read_changes().await;
    assert_eq!(status(&test).await, READ_ONLY);

    // The sessions of the replica stay as they are: it has to open others by itself.
    let name = name_of(&test.database.url);
    let reset = format!("alter database {name} reset default_transaction_read_only");
    administer(&test.database.url, &[&reset]).await;
    test.read_changes().await;

    assert_works(&test, &secret).await;
}

/// A call finds out before the changes are read the next time.
#[tokio::test]
async fn the_first_change_that_fails_is_503_and_not_500() {
    let Some((test, secret)) = on_postgres(&[]).await else {
        return;
    };
    set_read_only(&test, true).await;

    assert_takes_no_changes(&test, &secret).await;
    test.read_changes().await;

    assert_eq!(status(&test).await, READ_ONLY);
}

/// There may be a primary elsewhere, whose revocations do not come here.
#[tokio::test]
async fn after_the_limit_no_client_is_served_since_changes_may_be_made_elsewhere() {
    let Some((test, secret)) = on_postgres(&[("STALE_LIMIT", "1m")]).await else {
        return;
    };
    let token = test.token(&secret).await;
    set_read_only(&test, true).await;
    test.clock.advance(60);
    test.read_changes().await;
    assert_eq!(status(&test).await, READ_ONLY);

    test.clock.advance(1);
    test.read_changes().await;

    assert_unavailable(&test.authorize(CLIENT, &secret).await);
    assert_unavailable(&test.get("/readyz").await);
    assert_eq!(test.verify(&token).await.status, 200);
    set_read_only(&test, false).await;
    test.read_changes().await;
    assert_works(&test, &secret).await;
}

#[tokio::test]
async fn each_change_of_state_is_one_line() {
    let Some((test, _)) = on_postgres(&[]).await else {
        return;
    };
    let log = Log::default();
    let guard = log.capture();

    set_read_only(&test, true).await;
    for _ in 0..3 {
        test.read_changes().await;
    }
    set_read_only(&test, false).await;
    for _ in 0..3 {
        test.read_changes().await;
    }
    drop(guard);

    let said = |text: &str| log.text().matches(text).count();
    assert_eq!(said("the database accepts no changes"), 1, "{}", log.text());
    assert_eq!(said("the database answers again"), 1);
}

/// SQLite, by a URL that says so.
#[tokio::test]
async fn a_file_that_may_only_be_read() {
    let database = Database::fresh().await;
    if database.is_postgres() {
        return;
    }
    let url = format!("{}?mode=ro", database.url);
    let app = App::open(config(&url, &[]), Clock::fixed(NOW)).unwrap();
    app.replication.read_changes().await.unwrap();

    let new = NewClient::default();
    let error = app.clients.register(BY, new, None).await.unwrap_err();
    assert_eq!(error.code.as_str(), "temporarily_unavailable");
    // It is the only database that there is: all changes are known, however long it is so.
    for _ in 0..2 {
        app.replication.read_changes().await.unwrap();
        let expected = Readiness::Degraded(Degradation::ReadOnly);
        assert_eq!(app.core.readiness(), expected);
        app.clock().advance(100_000);
    }
}

/// Clients are refused then, since others may have changed something elsewhere; operators see what is there.
#[tokio::test]
async fn after_the_limit_operators_still_see_everything() {
    let Some((test, secret)) = on_postgres(&[("STALE_LIMIT", "1m")]).await else {
        return;
    };
    let robot = Robot::new(&test).await;
    set_read_only(&test, true).await;
    test.read_changes().await;
    test.clock.advance(61);
    test.read_changes().await;
    assert_eq!(test.app.core.readiness(), Readiness::Stale);

    let refused = test.authorize(CLIENT, &secret).await;
    refused.assert_error(503, "temporarily_unavailable");
    assert_eq!(robot.get("/clients").await.status, 200);
    assert_eq!(test.get("/admin/login").await.status, 200);
}
