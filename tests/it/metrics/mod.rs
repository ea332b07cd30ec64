//! What operators' programs are told: metrics, and their documented names.

mod database;
mod documents;
mod limits;
mod listener;
mod monitoring;
mod page;
mod values;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use token_server::http::{AppState, CertificateStatus, Ops, ops_router};
use token_server::telemetry::{DroppedLines, ExportStatus};
use tower::ServiceExt;

use crate::harness::{Answer, TestApp};
pub(crate) use page::Page;
pub(crate) use wire::{operator, until};

fn ops(state: AppState, certificate: Arc<CertificateStatus>) -> Ops {
    Ops {
        state,
        certificate,
        log: DroppedLines::default(),
        traces: ExportStatus::default(),
    }
}

/// The listener of operators' programs, in process.
pub(crate) struct Operator(Router);

impl Operator {
    pub(crate) fn of(test: &TestApp) -> Self {
        let certificate = Arc::new(CertificateStatus::new(&[]));
        Self::with(test.state.clone(), certificate)
    }

    pub(crate) fn with(state: AppState, certificate: Arc<CertificateStatus>) -> Self {
        Self(ops_router(ops(state, certificate)))
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        Answer::read(self.0.clone().oneshot(request).await.unwrap()).await
    }

    /// The metrics of this moment.
    pub(crate) async fn page(&self) -> Page {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, 200);
        Page::parse(answer.text())
    }
}
