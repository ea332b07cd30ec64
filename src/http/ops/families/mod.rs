//! Every figure that is told, by name; one file for each group. `docs/metrics.md` has the same list for people, and a
//! test holds the two together.

mod caches;
mod database;
mod logins;
mod traffic;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::Ops;
use super::process::Process;
use crate::app::{Degradation, Metrics, Readiness};
use crate::base::clock::UnixTime;
use crate::http::AppState;
use crate::http::ops::exposition::Page;
use crate::http::route_metrics::RouteMetrics;
use crate::http::server::connection_metrics::ConnectionTraffic;

/// All figures of one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    now: UnixTime,
    database: &'static str,
    signing_alg: &'static str,
    app: Metrics,
    routes: Vec<(String, RouteMetrics)>,
    max_requests: u64,
    connections: Vec<Connections>,
    certificate: Certificate,
    dropped_lines: u64,
    exports: (u64, u64),
    process: Process,
}

#[derive(Debug)]
struct Connections {
    listener: &'static str,
    open: usize,
    limit: usize,
    accepted: u64,
    refused: [(&'static str, u64); 3],
    handshakes: Vec<(&'static str, bool, u64)>,
    handshakes_failed: u64,
    handshakes_late: u64,
    validations: u64,
    without_source: [(&'static str, u64); 3],
}

#[derive(Debug)]
struct Certificate {
    expires_at: Option<UnixTime>,
    reloaded: u64,
    refused: u64,
    files_are_unusable: bool,
}

impl Snapshot {
    pub(super) fn take(ops: &Ops) -> Self {
        let (app, status) = (&ops.state, &ops.certificate);
        let traffic = app.traffic();
        let routes = traffic.routes();
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
            connections: Connections::of(app),
            certificate: Certificate {
                expires_at: status.expires_at(),
                reloaded: status.reloaded.value(),
                refused: status.refused.value(),
                files_are_unusable: status.files_are_unusable(),
            },
            dropped_lines: ops.log.count(),
            exports: ops.traces.counts(),
            process: Process::read(),
        }
    }
}

impl Connections {
    /// Those of each listener that there is.
    fn of(app: &AppState) -> Vec<Self> {
        let admin = &app.config().admin;
        let has_admin = admin.is_on && admin.listen_addr.is_some();
        let main = ("main", app.connections());
        let listeners = [main].into_iter();
        let admin = has_admin.then(|| ("admin", app.admin_connections()));
        let has_plain = app.config().proxies.plain.listen.is_some();
        let plain = has_plain.then(|| ("plain", app.plain_connections()));
        let read = |(listener, connections): (_, Arc<ConnectionTraffic>)| Self {
            listener,
            open: connections.open(),
            limit: app.config().http.max_connections,
            accepted: connections.accepted.value(),
            refused: connections.refused(),
            handshakes: connections.handshakes().collect(),
            handshakes_failed: connections.handshakes_failed.value(),
            handshakes_late: connections.handshakes_late.value(),
            validations: connections.validations.value(),
            without_source: connections.without_source(),
        };
        listeners.chain(admin).chain(plain).map(read).collect()
    }
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
        self.process.write(&mut page)
    }
}

impl Snapshot {
    fn service(&self, page: &mut Page<'_>) -> fmt::Result {
        let labels = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("database", self.database),
            ("signing_alg", self.signing_alg),
        ];
        page.gauges(
            "token_server_build_info",
            "Version, database and signing algorithm; always 1",
            [(labels, 1.0)],
        )?;
        page.gauges(
            "token_server_readiness",
            "1 for the present state of the server, 0 for the others",
            Readiness::NAMES.map(|state| {
                let is_in = self.app.readiness.name() == state;
                ([("state", state)], truth(is_in))
            }),
        )?;
        page.gauges(
            "token_server_degraded",
            "1 for the reason why the server is degraded, 0 for the others",
            Degradation::ALL.map(|reason| {
                let is_it = self.app.readiness == Readiness::Degraded(reason);
                ([("reason", reason.as_str())], truth(is_it))
            }),
        )?;
        let degradations = self.app.degradations.iter();
        page.counters(
            "token_server_degradations",
            "Times that the server became degraded",
            degradations.map(|(reason, count)| ([("reason", *reason)], *count)),
        )?;
        page.gauge(
            "token_server_canary",
            "1 if the self-test could issue and verify a token",
            Some(truth(self.app.self_test_passes)),
        )?;
        let upkeep = self.app.upkeep.iter();
        page.gauges(
            "token_server_upkeep_last_success_timestamp_seconds",
            "When the background task last succeeded",
            upkeep.filter_map(|(task, at)| Some(([("task", *task)], time((*at)?)))),
        )?;
        page.counter(
            "token_server_log_lines_dropped",
            "Log lines dropped because they came faster than they could be written",
            self.dropped_lines,
        )?;
        let (sent, failed) = self.exports;
        page.counters(
            "token_server_trace_exports",
            "Requests to the trace collector, by result",
            [
                ([("result", "sent")], sent),
                ([("result", "failed")], failed),
            ],
        )
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
