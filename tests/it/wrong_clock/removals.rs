//! Everything else that ends by time.

use token_server::app::NewSecret;
use token_server::domain::{ClientId, IdleExpiry};

use super::{DAY, YEAR, assert_held_back, replica, rows};
use crate::admin::{Browser, portal_with};
use crate::harness::{BY, CLIENT, TestApp};

fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

#[tokio::test]
async fn the_audit_trail_is_still_there_after_a_clock_that_was_three_years_ahead() {
    let test = TestApp::new().await;
    let other = replica(&test, &[]).await;
    test.client().await;
    let events = rows(&test, "audit_events", "at").await;
    assert!(events > 0);

    other.clock.set_ahead(3 * YEAR);
    assert_held_back(other.app.audit.prune().await);
    other.clock.set_ahead(0);

    assert_eq!(rows(&test, "audit_events", "at").await, events);
    let verdict = test.app.audit.verify(None).await.unwrap();
    assert!(verdict.good, "{verdict:?}");
    assert_eq!(verdict.checked, events);
    test.clock.advance(3 * YEAR);
    assert_eq!(test.app.audit.prune().await.unwrap(), events);
}

#[tokio::test]
async fn nothing_that_is_pruned_is_pruned_under_a_wrong_clock() {
    let test = TestApp::new().await;
    let app = &test.app;
    for wrong in [3 * DAY, 3 * YEAR, -3 * DAY] {
        test.clock.set_ahead(wrong);

        assert_held_back(app.secrets.expire_idle().await);
        assert_held_back(app.tokens.prune_revocations().await);
        assert_held_back(app.replication.prune_changes().await);
        assert_held_back(app.single_use.prune().await);
        assert_held_back(app.idempotency.prune().await);
        assert_held_back(app.admins.prune_sessions().await);
        assert_held_back(app.usage.prune().await);
        assert_held_back(app.audit.prune_rejected_requests().await);
        assert_held_back(app.replication.prune_replicas().await);
        assert_held_back(app.audit.prune().await);
        assert_held_back(app.keys.rotate_if_due().await);
    }
}

#[tokio::test]
async fn a_secret_that_is_in_use_is_not_ended_by_a_clock_that_is_ahead_or_behind() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let record = test.find_client(&id()).await;
    let secret_id = record.secrets[0].secret_id.clone();
    let added = test.app.secrets.add(BY, &id(), NewSecret::default()).await;
    added.unwrap();
    let unused_for = IdleExpiry::from_seconds(2 * DAY).ok();
    let id = id();
    let set = test
        .app
        .secrets
        .set_idle_expiry(BY, &id, &secret_id, unused_for);
    set.await.unwrap();
    let behind = replica(&test, &[]).await;

    test.clock.set_ahead(30 * DAY);
    assert_held_back(test.app.secrets.expire_idle().await);
    test.clock.set_ahead(0);
    // It is used at the other replica only, whose clock says that this was long ago.
    test.clock.advance(3 * DAY);
    behind.clock.advance(3 * DAY);
    behind.clock.set_ahead(-30 * DAY);
    behind.token(&old).await;
    behind.app.write_usage().await.unwrap();
    behind.clock.set_ahead(0);
    behind.app.core.compare_clocks().await.unwrap();
    behind.app.write_usage().await.unwrap();

    assert_eq!(test.app.secrets.expire_idle().await.unwrap(), 0);
    test.token(&old).await;
    test.clock.advance(3 * DAY);
    assert_eq!(test.app.secrets.expire_idle().await.unwrap(), 1);
}

#[tokio::test]
async fn uses_are_not_lost_while_the_clock_is_wrong_but_dated_when_it_is_right() {
    let test = TestApp::new().await;
    let secret = test.client().await;

    test.clock.set_ahead(3 * DAY);
    test.token(&secret).await;
    test.app.write_usage().await.unwrap();
    let during = test.app.usage.find_of_client(&id()).await.unwrap();
    test.clock.set_ahead(0);
    test.app.write_usage().await.unwrap();
    let after = test.app.usage.find_of_client(&id()).await.unwrap();

    // Postgres has the right time in between too.
    assert_eq!(during.last.is_some(), test.app.store().has_own_clock());
    assert_eq!(after.last.unwrap().used_at, test.clock.now());
}

/// It would be good for three years and eight hours. Postgres has the right time.
#[tokio::test]
async fn a_session_of_the_portal_from_the_future_is_none() {
    let test = portal_with(&[("ADMIN_SECOND_FACTOR", "optional")]).await;
    test.clock.set_ahead(3 * YEAR);
    let mut browser = Browser::of(&test, "olga").await;
    assert_eq!(browser.get("/admin/").await.status, 200);

    test.clock.set_ahead(0);

    let is_dated_well = test.app.store().has_own_clock();
    let status = browser.get("/admin/").await.status;
    assert_eq!(status, if is_dated_well { 200 } else { 303 });
}
