//! How an operator goes on with a trail that cannot be verified: an event under `SECRET` says so.

use token_server::app::AuditVerdict;
use token_server::domain::ErrorCode;

use super::forger::{change, rewrite_from};
use super::{
    B, C, broken_at, refuses_changes, rename, set_head_to, try_rename, verify, with_events,
};
use crate::harness::trail::all;
use crate::harness::{BY, TestApp};

/// Accepts what there is; the event up to which it does.
async fn accept(test: &TestApp) -> i64 {
    let found = test.app.audit.find_unverified().await.unwrap().unwrap();
    let accepted = test.app.audit.accept_head(BY, &found).await.unwrap();
    assert_eq!(accepted, found.head);
    accepted.event_id
}

/// Asserts that a change can be made, and that the trail is good with it, by the acceptance that is this event.
async fn assert_goes_on(test: &TestApp, accepted_at: i64) -> AuditVerdict {
    rename(test, "later").await;
    let verdict = verify(test).await;
    assert!(verdict.good, "{verdict:?}");
    assert_eq!(verdict.accepted_at, Some(accepted_at));
    verdict
}

/// A replica whose operator has lost the secret before.
async fn with_a_lost_secret() -> TestApp {
    let test = with_events(3).await;
    TestApp::on(test.database, &[("SECRET", B)]).await
}

#[tokio::test]
async fn a_good_trail_has_nothing_to_accept() {
    let test = with_events(3).await;
    assert_eq!(test.app.audit.find_unverified().await.unwrap(), None);
    let empty = TestApp::new().await;
    assert_eq!(empty.app.audit.find_unverified().await.unwrap(), None);
}

#[tokio::test]
async fn after_secret_was_lost_an_accepted_trail_goes_on_and_verify_says_where_it_was_accepted() {
    let test = with_a_lost_secret().await;
    refuses_changes(&test, "If that secret is lost").await;

    assert_eq!(accept(&test).await, 3);

    let verdict = assert_goes_on(&test, 4).await;
    assert_eq!(verdict.checked, 5);
    let said = all(&test).await.remove(3);
    assert_eq!(said.action, "audit.accept_head");
    let after: serde_json::Value =
        token_server::base::json::from_str(&said.after.unwrap()).unwrap();
    assert_eq!(after["through"], 3);
    assert_eq!(after["key_id"].as_str().map(str::len), Some(16));
    assert_eq!(after["hash"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn what_was_accepted_with_whole_hashes_cannot_be_changed_later() {
    for place in [1, 2, 3] {
        let test = with_a_lost_secret().await;
        accept(&test).await;
        change(&test, place).await;

        assert_eq!(broken_at(&test).await, Some(place));
    }
}

#[tokio::test]
async fn after_somebody_changed_an_event_the_trail_can_be_accepted() {
    for place in [1, 3, 5] {
        let test = with_events(5).await;
        change(&test, place).await;
        assert_eq!(broken_at(&test).await, Some(place));

        assert_eq!(accept(&test).await, 5);

        assert_goes_on(&test, 6).await;
    }
}

#[tokio::test]
async fn after_events_were_removed_the_trail_can_be_accepted() {
    for place in [1, 3, 5] {
        let test = with_events(5).await;
        let sql = format!("delete from audit_events where event_id = {place}");
        assert_eq!(test.database.execute(&sql).await, 1);

        accept(&test).await;

        assert_goes_on(&test, 6).await;
    }
}

#[tokio::test]
async fn after_the_hashes_were_made_anew_the_trail_can_be_accepted() {
    let test = with_events(5).await;
    change(&test, 3).await;
    rewrite_from(&test, 3).await;

    accept(&test).await;

    assert_goes_on(&test, 6).await;
}

#[tokio::test]
async fn after_the_end_was_set_back_the_last_event_can_be_accepted() {
    let test = with_events(5).await;
    set_head_to(&test, 3).await;
    assert!(try_rename(&test, "x").await.is_err());

    assert_eq!(accept(&test).await, 5);

    rename(&test, "later").await;
    assert_eq!(broken_at(&test).await, None);
}

#[tokio::test]
async fn what_comes_after_an_acceptance_is_verified() {
    for place in [6, 7, 8] {
        let test = with_events(5).await;
        change(&test, 3).await;
        accept(&test).await;
        rename(&test, "7").await;
        rename(&test, "8").await;
        change(&test, place).await;

        assert_eq!(broken_at(&test).await, Some(place));
    }
}

#[tokio::test]
async fn another_break_in_front_of_an_accepted_one_is_named() {
    let test = with_events(5).await;
    change(&test, 3).await;
    accept(&test).await;
    change(&test, 2).await;

    assert_eq!(broken_at(&test).await, Some(2));
}

#[tokio::test]
async fn a_trail_can_be_accepted_more_than_once() {
    let test = with_events(3).await;
    change(&test, 2).await;
    accept(&test).await;
    rename(&test, "5").await;
    rename(&test, "6").await;
    change(&test, 5).await;
    assert_eq!(broken_at(&test).await, Some(5));

    assert_eq!(accept(&test).await, 6);

    rename(&test, "8").await;
    let verdict = verify(&test).await;
    assert!(verdict.good, "{verdict:?}");
    assert_eq!(verdict.accepted_at, Some(7));
}

#[tokio::test]
async fn an_acceptance_counts_after_secret_was_changed() {
    let test = with_a_lost_secret().await;
    accept(&test).await;
    let settings = [("SECRET", C), ("SECRET_PREVIOUS", B)];
    let next = TestApp::on(test.database.clone(), &settings).await;
    next.app.audit.take_over().await.unwrap();

    let alone = TestApp::on(test.database.clone(), &[("SECRET", C)]).await;
    let verdict = verify(&alone).await;
    assert!(verdict.good, "{verdict:?}");
    assert_eq!(verdict.accepted_at, Some(4));
}

#[tokio::test]
async fn whoever_has_the_database_alone_cannot_accept_a_trail() {
    // The event of another trail, and one that is made up.
    for rewritten in [false, true] {
        let test = with_events(5).await;
        change(&test, 3).await;
        let after = r#"{"key_id":"","through":4,"hash":"' || b.hash || '","broken_at":3,"anchor_id":0,"anchor_hash":""}"#;
        let sql = format!(
            "update audit_events set action = 'audit.accept_head', state_after = (
                select '{after}' from audit_events b where b.event_id = 4) where event_id = 5"
        );
        assert_eq!(test.database.execute(&sql).await, 1);
        if rewritten {
            // From the one on that is to accept what is before it.
            rewrite_from(&test, 5).await;
        }

        let broken = broken_at(&test).await;

        assert!(matches!(broken, Some(3 | 5)), "{broken:?}");
    }
}

#[tokio::test]
async fn an_end_that_is_not_the_one_that_was_shown_is_not_accepted() {
    let test = with_a_lost_secret().await;
    let found = test.app.audit.find_unverified().await.unwrap().unwrap();
    change(&test, 3).await;
    rewrite_from(&test, 3).await;

    let error = test.app.audit.accept_head(BY, &found).await.unwrap_err();

    assert_eq!(error.code, ErrorCode::Conflict);
    assert_eq!(all(&test).await.len(), 3);
}

#[tokio::test]
async fn accepted_events_are_removed_by_age() {
    const DAY: i64 = 86_400;
    for (day, removed, accepted_at) in [(731, 2, Some(6)), (733, 6, None), (735, 7, None)] {
        let test = with_events(2).await;
        test.clock.advance(2 * DAY);
        for name in ["3", "4", "5"] {
            rename(&test, name).await;
        }
        change(&test, 4).await;
        accept(&test).await;
        test.clock.advance(2 * DAY);
        rename(&test, "7").await;
        test.clock.advance((day - 4) * DAY + 1);

        let pruned = test.app.audit.prune().await.unwrap();

        let verdict = verify(&test).await;
        assert!(verdict.good, "{verdict:?}");
        assert_eq!((pruned, verdict.accepted_at), (removed, accepted_at));
    }
}
