use super::{rename, verify, with_events};
use crate::harness::TestApp;
use crate::harness::trail::all;

const DAY: i64 = 86_400;

async fn ids(test: &TestApp) -> Vec<i64> {
    let events = all(test).await;
    events.iter().map(|event| event.event_id).collect()
}

/// Three old events and two younger ones, on the day on which the old ones are to go.
async fn aged() -> TestApp {
    let test = with_events(3).await;
    test.clock.advance(2 * DAY);
    rename(&test, "younger").await;
    rename(&test, "youngest").await;
    test.clock.advance(729 * DAY + 1);
    test
}

#[tokio::test]
async fn old_events_go_and_an_event_says_so_from_which_the_chain_is_checked() {
    let test = aged().await;

    assert_eq!(test.app.audit.prune().await.unwrap(), 3);

    assert_eq!(ids(&test).await, [4, 5, 6]);
    let said = all(&test).await.pop().unwrap();
    assert_eq!(
        (&*said.action, &*said.actor_type),
        ("audit.prune", "server")
    );
    let verdict = verify(&test).await;
    assert!(verdict.good, "{verdict:?}");
    assert_eq!((verdict.checked, verdict.anchor.event_id), (3, 3));
    let known = verdict.anchor;
    assert!(test.app.audit.verify(Some(&known)).await.unwrap().good);
}

#[tokio::test]
async fn a_removal_waits_until_it_is_worth_an_event() {
    let test = aged().await;
    test.clock.advance(-1);

    assert_eq!(test.app.audit.prune().await.unwrap(), 0);
    assert_eq!(ids(&test).await.len(), 5);

    test.clock.advance(1);
    assert_eq!(test.app.audit.prune().await.unwrap(), 3);
    assert_eq!(test.app.audit.prune().await.unwrap(), 0);
}

#[tokio::test]
async fn after_all_have_gone_the_chain_goes_on() {
    let test = aged().await;
    test.clock.advance(9 * DAY);

    assert_eq!(test.app.audit.prune().await.unwrap(), 5);
    rename(&test, "new").await;

    assert_eq!(ids(&test).await, [6, 7]);
    assert!(verify(&test).await.good);
}

#[tokio::test]
async fn of_two_replicas_one_removes() {
    let test = aged().await;
    let other = TestApp::at(test.clock.clone(), test.database.clone(), &[]).await;

    let (one, two) = tokio::join!(test.app.audit.prune(), other.app.audit.prune());

    assert_eq!(one.unwrap() + two.unwrap(), 3);
    assert_eq!(ids(&test).await, [4, 5, 6]);
    assert!(verify(&test).await.good);
}

#[tokio::test]
async fn who_removes_the_beginning_by_hand_is_noticed() {
    let test = aged().await;
    for moved_anchor in [false, true] {
        if moved_anchor {
            let sql = "update audit_head set anchor_id = 2, anchor_hash =
                (select hash from audit_events where event_id = 2)";
            test.database.execute(sql).await;
            test.database
                .execute("delete from audit_events where event_id = 2")
                .await;
        } else {
            test.database
                .execute("delete from audit_events where event_id = 1")
                .await;
        }

        let broken = verify(&test).await.broken.unwrap();

        assert_eq!(broken.event_id, if moved_anchor { 3 } else { 1 });
    }
}

#[tokio::test]
async fn the_server_removes_nothing_by_a_time_that_somebody_set_back() {
    let test = with_events(5).await;
    let sql = "update audit_events set at = 0 where event_id < 4";
    assert_eq!(test.database.execute(sql).await, 3);

    let error = test.app.audit.prune().await.unwrap_err();

    assert!(
        error.reason().contains("broken at the event 1"),
        "{}",
        error.reason()
    );
    assert_eq!(ids(&test).await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn the_server_does_not_vouch_for_a_beginning_that_somebody_removed() {
    let test = aged().await;
    for sql in [
        "update audit_head set anchor_id = 2, anchor_hash = (select hash from audit_events where event_id = 2)",
        "delete from audit_events where event_id <= 2",
    ] {
        test.database.execute(sql).await;
    }

    test.app.audit.prune().await.unwrap_err();

    assert_eq!(ids(&test).await, [3, 4, 5]);
    assert_eq!(verify(&test).await.broken.unwrap().event_id, 3);
}

#[tokio::test]
async fn a_broken_trail_is_read_again_after_an_hour_for_a_removal_by_age() {
    let test = aged().await;
    let set = async |actor: &str| {
        let sql = format!("update audit_events set actor = '{actor}' where event_id = 1");
        assert_eq!(test.database.execute(&sql).await, 1);
    };
    set("nobody").await;
    test.app.audit.prune().await.unwrap_err();

    set("").await;
    assert!(verify(&test).await.good);

    test.app.audit.prune().await.unwrap_err();
    test.clock.advance(3_600);
    assert_eq!(test.app.audit.prune().await.unwrap(), 3);
}
