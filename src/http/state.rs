//! Owns what every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use super::traffic::{ConnectionTraffic, Traffic};
use crate::app::App;

/// The use cases, and what is counted of those who ask; shared.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

struct Shared {
    app: Arc<App>,
    traffic: Traffic,
    is_traced: bool,
}

impl AppState {
    /// Shares the use cases.
    pub fn new(app: Arc<App>) -> Self {
        let is_traced = app.config().traces.is_some();
        Self(Arc::new(Shared {
            app,
            traffic: Traffic::default(),
            is_traced,
        }))
    }

    /// What is counted of its connections.
    pub fn connections(&self) -> Arc<ConnectionTraffic> {
        Arc::clone(&self.0.traffic.connections)
    }

    /// Whether requests are traced.
    pub(super) fn is_traced(&self) -> bool {
        self.0.is_traced
    }

    pub(super) fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }
}

impl Deref for AppState {
    type Target = Arc<App>;

    fn deref(&self) -> &Arc<App> {
        &self.0.app
    }
}
