//! What somebody can do who writes to the database and does not know `SECRET`.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use token_server::app::{AuditFilter, AuditPage, ChainedEvent};

use crate::harness::TestApp;

/// The name of a key that nobody knows.
const KEY_ID: &str = "f0f0f0f0f0f0f0f0";

/// Makes the hashes of all events from `first` on anew, under a key that nobody knows, and sets the end to match.
pub(super) async fn rewrite_from(test: &TestApp, first: i64) {
    rewrite_rows_from(test, first).await;
    let sql = "update audit_head set (last_id, hash, mac, key_id) = (
        select event_id, hash, mac, key_id from audit_events order by event_id desc limit 1)";
    assert_eq!(test.database.execute(sql).await, 1);
}

/// The same, without the end.
pub(super) async fn rewrite_rows_from(test: &TestApp, first: i64) {
    let all = AuditFilter::default();
    let page = AuditPage::After(0);
    let rows = test.app.audit.list(&all, page, 10_000).await;
    let mut before = String::new();
    for row in rows.unwrap() {
        let event_id = row.event.event_id;
        before = if event_id < first {
            row.hash
        } else {
            let hash = hash(&before, &row);
            let sql = format!(
                "update audit_events set hash = '{hash}', mac = '{hash}', key_id = '{KEY_ID}' where event_id = {event_id}"
            );
            assert_eq!(test.database.execute(&sql).await, 1);
            hash
        };
    }
}

/// The hash is no secret: SHA-256 over a JSON array.
fn hash(before: &str, ChainedEvent { event, .. }: &ChainedEvent) -> String {
    let all = serde_json::json!([
        before,
        event.event_id,
        event.at,
        event.actor_type,
        event.actor,
        event.source,
        event.request_id,
        event.action,
        event.target_type,
        event.target,
        event.client_id,
        event.before,
        event.after,
        KEY_ID,
    ]);
    let mut text = String::new();
    for byte in digest(&SHA256, all.to_string().as_bytes()).as_ref() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// Changes what an event says.
pub(super) async fn change(test: &TestApp, event_id: i64) {
    let sql = format!("update audit_events set actor = 'nobody' where event_id = {event_id}");
    assert_eq!(test.database.execute(&sql).await, 1);
}

/// Removes an event; those behind it move up.
pub(super) async fn remove(test: &TestApp, event_id: i64) {
    let sql = format!("delete from audit_events where event_id = {event_id}");
    assert_eq!(test.database.execute(&sql).await, 1);
    for sql in [
        format!("update audit_events set event_id = -event_id where event_id > {event_id}"),
        "update audit_events set event_id = -event_id - 1 where event_id < 0".to_owned(),
    ] {
        test.database.execute(&sql).await;
    }
}

/// Puts a copy of an event in behind it; those behind it move down.
pub(super) async fn put_in(test: &TestApp, event_id: i64) {
    for sql in [
        format!("update audit_events set event_id = -event_id where event_id > {event_id}"),
        "update audit_events set event_id = 1 - event_id where event_id < 0".to_owned(),
        format!(
            "insert into audit_events select {event_id} + 1, at, actor_type, actor, source, request_id, action,
                target_type, target, client_id, state_before, state_after, hash, mac, key_id
             from audit_events where event_id = {event_id}"
        ),
    ] {
        test.database.execute(&sql).await;
    }
}
