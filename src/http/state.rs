//! Owns what every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use crate::app::App;
use crate::http::route_metrics::Traffic;
use crate::http::server::connection_metrics::ConnectionTraffic;
use crate::http::server::connection_room::ConnectionRoom;

/// The use cases, and what is counted of those who ask; shared.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

struct Shared {
    app: Arc<App>,
    traffic: Traffic,
    connections: Arc<ConnectionTraffic>,
    admin_connections: Arc<ConnectionTraffic>,
    plain_connections: Arc<ConnectionTraffic>,
}

impl AppState {
    /// Shares the use cases.
    pub fn new(app: Arc<App>) -> Self {
        let refusals = Arc::clone(&app.audit.rejected_requests);
        let traffic = Traffic::new(app.config().http.max_requests, refusals);
        let room = Arc::new(ConnectionRoom::of_process(app.config()));
        Self(Arc::new(Shared {
            app,
            traffic,
            connections: Arc::new(ConnectionTraffic::new(&room)),
            admin_connections: Arc::new(ConnectionTraffic::new(&room)),
            plain_connections: Arc::new(ConnectionTraffic::new(&room)),
        }))
    }

    /// What is counted of the connections to `LISTEN_ADDR`.
    pub fn connections(&self) -> Arc<ConnectionTraffic> {
        Arc::clone(&self.0.connections)
    }

    /// What is counted of those to `ADMIN_LISTEN`.
    pub fn admin_connections(&self) -> Arc<ConnectionTraffic> {
        Arc::clone(&self.0.admin_connections)
    }

    /// What is counted of those to `PLAIN_LISTEN`.
    pub fn plain_connections(&self) -> Arc<ConnectionTraffic> {
        Arc::clone(&self.0.plain_connections)
    }

    pub(super) fn is_traced(&self) -> bool {
        self.config().traces.is_some()
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
