//! Reads the audit trail past its fronts.

use token_server::app::{AuditFilter, AuditPage, ChainedEvent};
use token_server::domain::AuditEvent;

use super::TestApp;

/// Every event that matches, the oldest first.
pub(crate) async fn find(test: &TestApp, filter: &AuditFilter) -> Vec<AuditEvent> {
    let listed = test.app.audit.list(filter, AuditPage::After(0), 10_000);
    let listed = listed.await.unwrap().into_iter();
    listed.map(|ChainedEvent { event, .. }| event).collect()
}

pub(crate) async fn all(test: &TestApp) -> Vec<AuditEvent> {
    find(test, &AuditFilter::default()).await
}
