//! Whoever has the database alone can make every hash anew, but no code under `SECRET`: the server does not build on
//! such an end, and `audit verify` names the first forged event.

use super::forger::{change, put_in, remove, rewrite_from, rewrite_rows_from};
use super::{broken_at, refuses_changes, rename, set_head_to, try_rename, with_events};
use crate::harness::{BY, TestApp};

/// What the log says when the end of the trail is under a key that the server does not have.
const UNKNOWN_KEY: &str = "neither SECRET's nor SECRET_PREVIOUS's";

#[tokio::test]
async fn a_changed_event_is_named_when_all_hashes_behind_it_are_made_anew() {
    for place in [1, 3, 5] {
        let test = with_events(5).await;
        change(&test, place).await;
        rewrite_from(&test, place).await;

        refuses_changes(&test, UNKNOWN_KEY).await;
        assert_eq!(broken_at(&test).await, Some(place));
    }
}

#[tokio::test]
async fn a_removed_event_is_named_when_all_behind_it_are_renumbered_and_made_anew() {
    for place in [1, 3, 4] {
        let test = with_events(5).await;
        remove(&test, place).await;
        rewrite_from(&test, place).await;

        refuses_changes(&test, UNKNOWN_KEY).await;
        assert_eq!(broken_at(&test).await, Some(place));
    }
}

#[tokio::test]
async fn an_event_that_was_put_in_is_named_when_all_behind_it_are_renumbered_and_made_anew() {
    for place in [1, 3, 5] {
        let test = with_events(5).await;
        put_in(&test, place).await;
        rewrite_from(&test, place + 1).await;

        refuses_changes(&test, UNKNOWN_KEY).await;
        assert_eq!(broken_at(&test).await, Some(place + 1));
    }
}

#[tokio::test]
async fn forged_events_are_named_though_the_end_was_left_as_it_was_and_the_trail_went_on() {
    // Where no event under a known key comes before them, it is the first one behind them that does not fit.
    for (place, named) in [(1, 6), (3, 3), (5, 5)] {
        let test = with_events(5).await;
        change(&test, place).await;
        rewrite_rows_from(&test, place).await;

        rename(&test, "later").await;

        assert_eq!(broken_at(&test).await, Some(named));
    }
}

#[tokio::test]
async fn an_end_that_goes_by_the_name_of_our_key_is_not_built_on() {
    let test = with_events(5).await;
    change(&test, 5).await;
    rewrite_from(&test, 5).await;
    let ours = "(select b.key_id from audit_events b where b.event_id = 4)";
    for sql in [
        format!("update audit_events set key_id = {ours} where event_id = 5"),
        format!("update audit_head set key_id = {ours}"),
    ] {
        assert_eq!(test.database.execute(&sql).await, 1);
    }

    refuses_changes(&test, "an authentication code that is not SECRET's").await;
}

/// The trail went on in two ways from the event 3, of which one was in a backup.
async fn with_another_past() -> TestApp {
    let test = with_events(5).await;
    for sql in [
        "create table copy as select * from audit_events",
        "delete from audit_events where event_id > 3",
    ] {
        test.database.execute(sql).await;
    }
    set_head_to(&test, 3).await;
    for name in ["another 4", "another 5", "another 6"] {
        rename(&test, name).await;
    }
    test
}

#[tokio::test]
async fn single_events_of_a_backup_in_the_trail_are_named() {
    for (place, noticed) in [(4, 5), (5, 5)] {
        let test = with_another_past().await;
        for sql in [
            format!("delete from audit_events where event_id = {place}"),
            format!("insert into audit_events select * from copy where event_id = {place}"),
        ] {
            assert_eq!(test.database.execute(&sql).await, 1);
        }

        assert_eq!(broken_at(&test).await, Some(noticed));
        rename(&test, "later").await;
        assert_eq!(broken_at(&test).await, Some(noticed));
    }
}

#[tokio::test]
async fn the_end_of_a_backup_behind_the_events_of_the_trail_is_named() {
    let test = with_another_past().await;
    let sql = "update audit_head set (last_id, hash, mac, key_id) = (
        select event_id, hash, mac, key_id from copy where event_id = 5)";
    test.database.execute(sql).await;
    test.database
        .execute("delete from audit_events where event_id > 5")
        .await;
    assert_eq!(broken_at(&test).await, Some(6));

    // It is authentic, so that the trail goes on; what comes does not fit what is there.
    rename(&test, "later").await;

    assert_eq!(broken_at(&test).await, Some(6));
}

#[tokio::test]
async fn an_end_that_was_set_back_in_front_of_later_events_is_not_built_on() {
    let test = with_events(5).await;
    set_head_to(&test, 3).await;

    refuses_changes(&test, "already follows its last one").await;
    assert_eq!(broken_at(&test).await, Some(5));
}

#[tokio::test]
async fn a_forged_change_of_keys_is_named() {
    for place in [2, 3, 5] {
        let test = with_events(5).await;
        let before = place - 1;
        let of = |column: &str| {
            format!("(select b.{column} from audit_events b where b.event_id = {before})")
        };
        let (key_id, hash) = (of("key_id"), of("hash"));
        let sql = format!(
            r#"update audit_events
            set action = 'audit.key_change',
                state_after = '{{"key_id":"' || {key_id} || '","through":{before},"hash":"' || {hash} || '"}}'
            where event_id = {place}"#
        );
        assert_eq!(test.database.execute(&sql).await, 1);
        rewrite_from(&test, place).await;

        refuses_changes(&test, UNKNOWN_KEY).await;
        assert_eq!(broken_at(&test).await, Some(place));
    }
}

#[tokio::test]
async fn a_forged_removal_by_age_is_named() {
    let test = with_events(5).await;
    let sql = r#"update audit_events set action = 'audit.prune', state_after = (
            select '{"removed":2,"through":2,"hash":"' || b.hash || '"}' from audit_events b where b.event_id = 2)
        where event_id = 3"#;
    for sql in [
        sql,
        "update audit_head set anchor_id = 2, anchor_hash = (select hash from audit_events where event_id = 2)",
    ] {
        assert_eq!(test.database.execute(sql).await, 1);
    }
    rewrite_from(&test, 3).await;
    test.database
        .execute("delete from audit_events where event_id < 3")
        .await;

    refuses_changes(&test, UNKNOWN_KEY).await;
    assert_eq!(broken_at(&test).await, Some(3));
}

#[tokio::test]
async fn a_trail_that_was_emptied_is_named_by_what_is_left_of_it() {
    let test = with_events(5).await;
    test.database.execute("delete from audit_events").await;
    assert_eq!(broken_at(&test).await, Some(1));

    let sql = "update audit_head set anchor_id = last_id, anchor_hash = hash";
    test.database.execute(sql).await;
    assert_eq!(broken_at(&test).await, Some(6));

    rename(&test, "later").await;
    assert_eq!(broken_at(&test).await, Some(6));
}

#[tokio::test]
async fn a_forged_end_stops_changes_and_nothing_else() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    change(&test, 1).await;
    rewrite_from(&test, 1).await;

    let revoked = test
        .post_form(
            "/revoke",
            &[
                ("client_id", crate::harness::CLIENT),
                ("client_secret", &secret),
                ("token", &token),
            ],
        )
        .await;

    // What a client revokes of its own goes on, and is counted until it can be recorded.
    assert_eq!(revoked.status, 200);
    assert_eq!(test.verify(&token).await.status, 401);
    let tokens = &test.app.tokens;
    assert!(tokens.write_own_revocations().await.is_err());
    let other = test.token(&secret).await;
    assert!(tokens.revoke(BY, &other).await.is_err());
    assert_eq!(test.verify(&other).await.status, 200);
    assert!(try_rename(&test, "x").await.is_err());
}
