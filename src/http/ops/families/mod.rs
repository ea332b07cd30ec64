//! Every metric that is served, by name; one file for each group. `docs/metrics.md` has the same list for people, and a
//! test holds the two together.

mod database;
mod logins;
mod traffic;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::{Ops, process};
use crate::app::{Degradation, Metrics, Readiness};
use crate::base::clock::UnixTime;
use crate::http::AppState;
use crate::http::ops::exposition::{Page, labelled, metrics};
use crate::http::route_metrics::RouteMetrics;
use crate::http::server::connection_metrics::ConnectionTraffic;
use crate::http::server::tls::certificate_status::CertificateStatus;

/// The metrics of one scrape; connections, the certificate and the process are read while it is written.
#[derive(Debug)]
pub(super) struct Snapshot {
    now: UnixTime,
    database: &'static str,
    signing_alg: &'static str,
    app: Metrics,
    routes: Vec<(String, RouteMetrics)>,
    max_requests: u64,
    /// By the name of the listener, of those that there are.
    connections: Vec<(&'static str, Arc<ConnectionTraffic>)>,
    max_connections: usize,
    certificate: Arc<CertificateStatus>,
    dropped_lines: u64,
    exports: (u64, u64),
}

impl Snapshot {
    pub(super) fn take(ops: &Ops) -> Self {
        let app = &ops.state;
        let routes = app.traffic().routes();
        Self {
            now: app.clock().steady(),
            database: app.store().product(),
            signing_alg: app.config().keys.signing_alg.as_str(),
            app: app.metrics(),
            routes: routes
                .iter()
                .map(|it| (it.path().to_owned(), it.read()))
                .collect(),
            max_requests: app.config().http.max_requests,
            connections: connections(app),
            max_connections: app.config().http.max_connections,
            certificate: Arc::clone(&ops.certificate),
            dropped_lines: ops.log.count(),
            exports: ops.traces.counts(),
        }
    }
}

fn connections(app: &AppState) -> Vec<(&'static str, Arc<ConnectionTraffic>)> {
    let (admin, plain) = (&app.config().admin, &app.config().proxies.plain);
    let has_admin = admin.is_on && admin.listen_addr.is_some();
    let has_plain = plain.listen.is_some();
    let admin = has_admin.then(|| ("admin", app.admin_connections()));
    let plain = has_plain.then(|| ("plain", app.plain_connections()));
    let main = ("main", app.connections());
    [main].into_iter().chain(admin).chain(plain).collect()
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page(encoder);
        self.service(&mut page)?;
        self.requests(&mut page)?;
        self.connections(&mut page)?;
        self.certificate(&mut page)?;
        self.acme(&mut page)?;
        self.tokens(&mut page)?;
        self.logins(&mut page)?;
        self.lanes(&mut page)?;
        self.caches(&mut page)?;
        self.keys(&mut page)?;
        self.issuers(&mut page)?;
        self.feed(&mut page)?;
        self.clock(&mut page)?;
        self.audit(&mut page)?;
        self.database(&mut page)?;
        process::write(&mut page)
    }
}

impl Snapshot {
    fn service(&self, page: &mut Page<'_>) -> fmt::Result {
        let labels = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("database", self.database),
            ("signing_alg", self.signing_alg),
        ];
        let (sent, failed) = self.exports;
        metrics! { page {
            gauges "token_server_build_info" "Version, database and signing algorithm; always 1":
                [(labels, 1.0)];
            gauges "token_server_readiness" "1 for the present state of the server, 0 for the others":
                labelled("state", Readiness::NAMES.map(|state| {
                    (state, truth(self.app.readiness.name() == state))
                }));
            gauges "token_server_degraded" "1 for the reason why the server is degraded, 0 for the others":
                labelled("reason", Degradation::ALL.map(|reason| {
                    (reason.as_str(), truth(self.app.readiness == Readiness::Degraded(reason)))
                }));
            counters "token_server_degradations" "Times that the server became degraded":
                labelled("reason", self.app.degradations.iter().copied());
            gauge "token_server_canary" "1 if the self-test could issue and verify a token":
                truth(self.app.self_test_passes);
            gauges "token_server_upkeep_last_success_timestamp_seconds"
                "When the background task last succeeded":
                labelled("task", self.app.upkeep.iter().filter_map(|(task, at)| Some((*task, time((*at)?)))));
            counter "token_server_log_lines_dropped"
                "Log lines dropped because they came faster than they could be written":
                self.dropped_lines;
            counters "token_server_trace_exports" "Requests to the trace collector, by result":
                labelled("result", [("sent", sent), ("failed", failed)]);
        } }
    }
}

fn truth(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn count(number: usize) -> f64 {
    self::number(number as u64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nothing that is counted here comes to 2^53"
)]
fn number(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 stay below 2^53 for long"
)]
fn span(seconds: i64) -> f64 {
    seconds as f64
}

fn time(at: UnixTime) -> f64 {
    span(at.0)
}
