//! What was revoked stays revoked, whatever a clock says in between.

use token_server::domain::{ClientId, ClientStatus};

use super::{DAY, assert_held_back, replica, rows, started_ahead};
use crate::harness::{BY, CLIENT, Database, TestApp};

const LONG_TOKENS: &[(&str, &str)] = &[("TOKEN_TTL", "24h")];

fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

async fn assert_revoked(test: &TestApp, token: &str) {
    let answer = test.verify(token).await;
    answer.assert_error(401, "invalid_token");
    assert!(answer.text().contains("revoked"), "{}", answer.text());
}

/// A token that is revoked, and another one of a client whose tokens all are.
async fn two_revoked(test: &TestApp) -> [String; 2] {
    let secret = test.client().await;
    let all = test.token(&secret).await;
    test.app.tokens.revoke_client(BY, &id()).await.unwrap();
    let one = test.token(&secret).await;
    test.app.tokens.revoke(BY, &one).await.unwrap();
    [one, all]
}

#[tokio::test]
async fn a_revoked_token_stays_refused_when_the_clock_was_ahead_or_behind_for_a_while() {
    let test = TestApp::with(LONG_TOKENS).await;
    let revoked = two_revoked(&test).await;
    let before = test.app.tokens.revocations().count();
    for wrong in [3 * DAY, -3 * DAY] {
        test.clock.set_ahead(wrong);
        assert_held_back(test.app.tokens.prune_revocations().await);
        test.clock.set_ahead(0);

        assert_eq!(test.app.tokens.revocations().count(), before);
        assert_eq!(rows(&test, "revocations", "revoked_at").await, 2);
        for token in &revoked {
            assert_revoked(&test, token).await;
        }
    }
    // Those of the client last for as long as the longest token lives.
    test.clock.advance(3 * DAY);
    test.app.tokens.prune_revocations().await.unwrap();
    assert_eq!(test.app.tokens.revocations().count(), (0, 0));
    assert_eq!(rows(&test, "revocations", "revoked_at").await, 0);
}

#[tokio::test]
async fn a_replica_with_a_wrong_clock_takes_no_revocation_from_the_others() {
    let test = TestApp::with(LONG_TOKENS).await;
    let wrong = replica(&test, LONG_TOKENS).await;
    let revoked = two_revoked(&test).await;
    wrong.read_changes().await;

    wrong.clock.set_ahead(3 * DAY);
    assert_held_back(wrong.app.tokens.prune_revocations().await);
    test.app.tokens.prune_revocations().await.unwrap();
    wrong.clock.set_ahead(0);
    let new = replica(&test, LONG_TOKENS).await;

    for token in &revoked {
        for replica in [&test, &wrong, &new] {
            assert_revoked(replica, token).await;
        }
    }
}

#[tokio::test]
async fn a_replica_that_starts_with_a_wrong_clock_removes_no_revocation() {
    let test = TestApp::with(LONG_TOKENS).await;
    let revoked = two_revoked(&test).await;
    let Some(wrong) = started_ahead(&test.database, 3 * DAY).await else {
        return;
    };

    assert_held_back(wrong.app.tokens.prune_revocations().await);

    let new = replica(&test, LONG_TOKENS).await;
    for token in &revoked {
        assert_revoked(&new, token).await;
    }
}

/// Under a time of days ago the row would be over at once.
#[tokio::test]
async fn what_is_revoked_under_a_clock_that_is_behind_is_revoked() {
    let test = TestApp::with(LONG_TOKENS).await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let behind = replica(&test, LONG_TOKENS).await;
    behind.clock.set_ahead(-3 * DAY);

    behind.app.tokens.revoke_client(BY, &id()).await.unwrap();
    test.read_changes().await;
    assert_revoked(&test, &token).await;
    let off = ClientStatus::Disabled;
    behind.set_client_status(&id(), off).await;
    test.read_changes().await;
    // The event from the past does not keep the right clock from removing.
    test.app.tokens.prune_revocations().await.unwrap();
    behind.clock.set_ahead(0);

    let new = replica(&test, LONG_TOKENS).await;
    for replica in [&test, &behind, &new] {
        assert_revoked(replica, &token).await;
    }
}

/// It seems to have expired, or not to be valid yet: it could be thought that there is nothing to revoke.
#[tokio::test]
async fn a_client_revokes_its_token_at_a_replica_with_a_wrong_clock() {
    for wrong in [3 * DAY, -3 * DAY] {
        let test = TestApp::with(LONG_TOKENS).await;
        let secret = test.client().await;
        let token = test.token(&secret).await;

        test.clock.set_ahead(wrong);
        let userinfo = format!("{CLIENT}:{secret}");
        let form = [("token", token.as_str())];
        let answer = test.post_basic("/revoke", &userinfo, &form).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        test.clock.set_ahead(0);

        assert_revoked(&test, &token).await;
    }
}

#[tokio::test]
async fn on_postgres_so_it_does_where_the_clock_was_wrong_at_the_start() {
    let database = Database::fresh().await;
    let test = TestApp::on(database, LONG_TOKENS).await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let Some(wrong) = started_ahead(&test.database, 3 * DAY).await else {
        return;
    };

    let userinfo = format!("{CLIENT}:{secret}");
    let form = [("token", token.as_str())];
    let answer = wrong.post_basic("/revoke", &userinfo, &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    test.read_changes().await;

    assert_revoked(&test, &token).await;
}
