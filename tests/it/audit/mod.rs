//! The audit trail: every change leaves an event, and nobody can change one unnoticed.

mod accepted;
mod chain;
mod events;
mod forger;
mod forgery;
mod head;
mod logged;
mod retention;
mod rotation;
mod sources;

use token_server::app::AuditVerdict;
use token_server::app::error::Result;
use token_server::domain::{ErrorCode, ExpectedVersion, Name};

use crate::harness::trail::all;
use crate::harness::{BY, TestApp};

/// Values of `SECRET` beside that of the tests.
const B: &str = "another secret for tests, of more than 32 bytes";
const C: &str = "a third secret for tests, of more than 32 bytes";

async fn verify(test: &TestApp) -> AuditVerdict {
    test.app.audit.verify(None).await.unwrap()
}

/// A client with `count` events about it: its registration and changes of its name.
async fn with_events(count: usize) -> TestApp {
    let test = TestApp::new().await;
    test.client().await;
    for n in 1..count {
        rename(&test, &n.to_string()).await;
    }
    test
}

async fn rename(test: &TestApp, name: &str) {
    try_rename(test, name).await.unwrap();
}

async fn try_rename(test: &TestApp, name: &str) -> Result<()> {
    let changes = token_server::domain::ClientChanges {
        name: Some(Name::parse(name).unwrap()),
        ..Default::default()
    };
    let id = crate::harness::CLIENT.parse().unwrap();
    test.app
        .clients
        .update(BY, &id, &ExpectedVersion::Any, changes)
        .await
        .map(drop)
}

/// Puts the end of the trail where this event is, with all that belongs to it.
async fn set_head_to(test: &TestApp, event_id: i64) {
    let of = |column: &str| {
        format!("{column} = (select {column} from audit_events where event_id = {event_id})")
    };
    let (hash, mac, key_id) = (of("hash"), of("mac"), of("key_id"));
    let sql = format!("update audit_head set last_id = {event_id}, {hash}, {mac}, {key_id}");
    assert_eq!(test.database.execute(&sql).await, 1);
}

/// Where the trail is broken.
async fn broken_at(test: &TestApp) -> Option<i64> {
    let verdict = test.app.audit.verify(None).await.unwrap();
    assert_eq!(verdict.good, verdict.broken.is_none());
    verdict.broken.map(|broken| broken.event_id)
}

/// Nothing can be changed, and the log says why.
async fn refuses_changes(test: &TestApp, why: &str) {
    let before = all(test).await;
    let error = try_rename(test, "refused").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ServerError);
    assert!(error.reason().contains(why), "{}", error.reason());
    assert_eq!(all(test).await, before);
}
