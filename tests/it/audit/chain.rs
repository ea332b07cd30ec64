use token_server::app::clients::transfer::import::{ImportOptions, ImportSource};
use token_server::app::{ChainLink, NewClient, NewSecret};

use super::{broken_at, rename, set_head_to, verify, with_events};
use crate::harness::trail::all;
use crate::harness::{BY, TestApp, new_client};

#[tokio::test]
async fn an_untouched_trail_is_good() {
    let test = with_events(5).await;

    let verdict = verify(&test).await;

    assert!(verdict.good, "{verdict:?}");
    assert_eq!((verdict.checked, verdict.last.event_id), (5, 5));
    assert_eq!(verdict.anchor, ChainLink::default());
    assert!(verify(&TestApp::new().await).await.good);
}

#[tokio::test]
async fn a_changed_event_is_noticed_whatever_was_changed() {
    let test = with_events(5).await;
    for (column, value) in [
        ("at", "at + 1"),
        ("actor_type", "'admin'"),
        ("actor", "'x'"),
        ("source", "'192.0.2.9'"),
        ("request_id", "'x'"),
        ("action", "'client.delete'"),
        ("target_type", "'key'"),
        ("target", "'x'"),
        ("client_id", "null"),
        ("state_before", "null"),
        ("state_after", r#"'{"name":"x"}'"#),
        ("hash", "'00'"),
        ("mac", "'00'"),
        ("mac", "'no hexadecimal'"),
        ("key_id", "'00'"),
    ] {
        let copy = "create table copy as select * from audit_events where event_id = 3";
        test.database.execute(copy).await;
        let tamper = format!("update audit_events set {column} = {value} where event_id = 3");
        assert_eq!(test.database.execute(&tamper).await, 1);

        assert_eq!(broken_at(&test).await, Some(3), "{column}");

        let restore = "delete from audit_events where event_id = 3";
        test.database.execute(restore).await;
        let restore = "insert into audit_events select * from copy";
        test.database.execute(restore).await;
        test.database.execute("drop table copy").await;
        assert_eq!(broken_at(&test).await, None);
    }
}

#[tokio::test]
async fn a_removed_event_is_noticed() {
    for removed in [1, 3, 5] {
        let test = with_events(5).await;
        let sql = format!("delete from audit_events where event_id = {removed}");
        assert_eq!(test.database.execute(&sql).await, 1);

        assert_eq!(broken_at(&test).await, Some(removed));
    }
}

#[tokio::test]
async fn an_event_that_was_put_in_is_noticed() {
    for (place, noticed) in [("event_id - 3", 0), ("event_id + 3", 6)] {
        let test = with_events(5).await;
        let insert = format!(
            "insert into audit_events (event_id, at, actor_type, actor, action, target_type, target, hash, mac, key_id)
             select {place}, at, actor_type, actor, action, target_type, target, hash, mac, key_id
             from audit_events where event_id = 3"
        );
        assert_eq!(test.database.execute(&insert).await, 1);

        assert_eq!(broken_at(&test).await, Some(noticed));
    }
    // In the middle, with those behind it moved on.
    let test = with_events(3).await;
    for sql in [
        "update audit_events set event_id = 4 where event_id = 3",
        "insert into audit_events select 3, at, actor_type, actor, source, request_id, action, target_type, target,
             client_id, state_before, state_after, hash, mac, key_id from audit_events where event_id = 2",
        "update audit_head set last_id = 4",
    ] {
        assert_eq!(test.database.execute(sql).await, 1);
    }
    assert_eq!(broken_at(&test).await, Some(3));
}

#[tokio::test]
async fn events_that_were_put_in_another_order_are_noticed() {
    let test = with_events(5).await;
    for (from, to) in [(2, -1), (3, 2), (-1, 3)] {
        let sql = format!("update audit_events set event_id = {to} where event_id = {from}");
        assert_eq!(test.database.execute(&sql).await, 1);
    }

    assert_eq!(broken_at(&test).await, Some(2));
}

#[tokio::test]
async fn a_trail_that_was_cut_off_is_noticed_by_who_knows_a_later_event() {
    let test = with_events(5).await;
    let earlier = verify(&test).await.last;
    rename(&test, "later").await;
    let known = async |link: &ChainLink| {
        let verdict = test.app.audit.verify(Some(link)).await.unwrap();
        verdict.broken.map(|broken| broken.event_id)
    };
    assert_eq!(known(&earlier).await, None);
    assert_eq!(known(&verify(&test).await.last).await, None);

    test.database
        .execute("delete from audit_events where event_id > 4")
        .await;
    set_head_to(&test, 4).await;

    assert_eq!(broken_at(&test).await, None);
    assert_eq!(known(&earlier).await, Some(5));
    let forged = ChainLink {
        event_id: 4,
        hash: earlier.hash,
    };
    assert_eq!(known(&forged).await, Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_many_replicas_at_once_make_one_chain() {
    let test = TestApp::new().await;
    let others = [test.replica().await, test.replica().await];
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..30 {
        let app = others[n % 2].app.clone();
        tasks.spawn(async move {
            let new = NewClient {
                // Every third one is refused.
                ..new_client(&format!("c{}", n / 3 * 3 + n % 3 / 2))
            };
            let made = app
                .clients
                .register(BY, new, Some(NewSecret::default()))
                .await;
            made.is_ok()
        });
    }
    let made = tasks.join_all().await.into_iter().filter(|made| *made);

    assert_eq!(made.count(), 20);
    assert_eq!(all(&test).await.len(), 20);
    let verdict = verify(&test).await;
    assert!(verdict.good, "{verdict:?}");
}

#[tokio::test]
async fn an_import_of_many_clients_is_one_stretch_of_the_chain() {
    let test = with_events(2).await;
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let rows: Vec<String> = (0..1_201)
        .map(|n| format!(r#"{{"client_id":"c{n}","client_secret_hash":"{hash}"}}"#))
        .collect();
    let source = ImportSource::of_bytes(None, rows.join("\n").into_bytes());

    let options = ImportOptions::default();
    let report = test
        .app
        .clients
        .import(BY, &source, options, &mut |_| {})
        .await;

    assert_eq!(report.unwrap().imported, 1_201);
    rename(&test, "later").await;
    let verdict = verify(&test).await;
    assert!(verdict.good, "{verdict:?}");
    assert_eq!(verdict.checked, 1_204);
}
