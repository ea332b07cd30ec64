//! The audit trail: every change leaves an event, and nobody can change one unnoticed.

mod chain;
mod events;
mod retention;
mod sources;

use token_server::app::{AuditFilter, AuditPage, ChainedEvent};
use token_server::domain::{AuditEvent, Name};

use crate::harness::{BY, TestApp};

/// Every event that matches, the oldest first.
pub(crate) async fn find(test: &TestApp, filter: &AuditFilter) -> Vec<AuditEvent> {
    let listed = test
        .app
        .list_audit_events(filter, AuditPage::After(0), 10_000);
    let listed = listed.await.unwrap().into_iter();
    listed.map(|ChainedEvent { event, .. }| event).collect()
}

async fn all(test: &TestApp) -> Vec<AuditEvent> {
    find(test, &AuditFilter::default()).await
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
    let changes = token_server::domain::ClientChanges {
        name: Some(Name::parse(name).unwrap()),
        ..Default::default()
    };
    let id = crate::harness::CLIENT.parse().unwrap();
    test.app.update_client(BY, &id, changes).await.unwrap();
}
