//! Who asks: requests, connections, and what these are shown.

use std::fmt;

use super::{Snapshot, count, number, span, time, truth};
use crate::domain::ErrorCode;
use crate::http::ops::exposition::Page;
use crate::http::route_metrics::CLASSES;

impl Snapshot {
    pub(super) fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let routes = || {
            self.routes
                .iter()
                .map(|(path, read)| ([("route", path.as_str())], read))
        };
        page.counters(
            "token_server_http_requests",
            "Answered requests, by class of status",
            self.routes.iter().flat_map(|(path, read)| {
                let classes = CLASSES.into_iter().zip(read.classes);
                classes.map(|(class, count)| ([("route", path.as_str()), ("code", class)], count))
            }),
        )?;
        page.histograms(
            "token_server_http_request_duration_seconds",
            "Time from the head of a request to the head of its answer",
            routes().map(|(labels, read)| (labels, read.latency)),
        )?;
        page.gauges(
            "token_server_http_requests_in_flight",
            "Requests in flight",
            routes().map(|(labels, read)| (labels, number(read.in_flight))),
        )?;
        page.gauge(
            "token_server_http_requests_limit",
            "Limit of requests in flight, of each route (MAX_REQUESTS)",
            Some(number(self.max_requests)),
        )?;
        page.counters(
            "token_server_http_requests_over_limit",
            "Requests refused because MAX_REQUESTS of their route were in flight",
            routes().map(|(labels, read)| (labels, read.over_limit)),
        )?;
        page.counters(
            "token_server_http_requests_abandoned",
            "Requests whose callers closed the connection before the answer",
            routes().map(|(labels, read)| (labels, read.abandoned)),
        )?;
        let refused = |code: ErrorCode| -> u64 {
            let routes = self.routes.iter();
            routes.map(|(_, read)| read.refused[code as usize]).sum()
        };
        page.counters(
            "token_server_refusals",
            "Error responses, by code",
            ErrorCode::ALL.map(|code| ([("error", error_label(code))], refused(code))),
        )
    }

    pub(super) fn connections(&self, page: &mut Page<'_>) -> fmt::Result {
        let listeners = || {
            let each = self.connections.iter();
            each.map(|connections| ([("listener", connections.listener)], connections))
        };
        page.gauges(
            "token_server_connections",
            "Open connections",
            listeners().map(|(labels, it)| (labels, count(it.open))),
        )?;
        page.gauges(
            "token_server_connections_limit",
            "Limit of open connections (MAX_CONNECTIONS)",
            listeners().map(|(labels, it)| (labels, count(it.limit))),
        )?;
        page.counters(
            "token_server_connections_accepted",
            "Accepted connections, including those that were closed at once",
            listeners().map(|(labels, it)| (labels, it.accepted)),
        )?;
        page.counters(
            "token_server_connections_refused",
            "Connections closed before the handshake, by the limit that was reached",
            listeners().flat_map(|([listener], it)| {
                let reasons = it.refused.iter();
                reasons.map(move |(reason, count)| ([listener, ("reason", *reason)], *count))
            }),
        )?;
        page.counters(
            "token_server_tls_handshakes",
            "Completed TLS handshakes",
            listeners().flat_map(|([listener], it)| {
                it.handshakes.iter().map(move |(version, resumed, count)| {
                    let resumed = if *resumed { "true" } else { "false" };
                    let labels = [listener, ("version", *version), ("resumed", resumed)];
                    (labels, *count)
                })
            }),
        )?;
        page.counters(
            "token_server_tls_handshake_failures",
            "Failed TLS handshakes",
            listeners().flat_map(|([listener], it)| {
                [
                    ([listener, ("reason", "error")], it.handshakes_failed),
                    ([listener, ("reason", "timeout")], it.handshakes_late),
                ]
            }),
        )?;
        page.counters(
            "token_server_proxy_headers_refused",
            "Connections closed because they did not come from a trusted proxy, or had no valid PROXY header",
            listeners().flat_map(|([listener], it)| {
                let reasons = it.without_source.iter();
                reasons.map(move |(reason, count)| ([listener, ("reason", *reason)], *count))
            }),
        )
    }

    pub(super) fn certificate(&self, page: &mut Page<'_>) -> fmt::Result {
        let certificate = &self.certificate;
        page.gauge(
            "token_server_certificate_expiry_timestamp_seconds",
            "When the served certificate expires",
            certificate.expires_at.map(time),
        )?;
        page.gauge(
            "token_server_certificate_files_unusable",
            "1 while the new certificate is unusable, and the server presents an older one",
            Some(truth(certificate.files_are_unusable)),
        )?;
        page.counters(
            "token_server_certificate_reloads",
            "New certificates, loaded or refused",
            [
                ([("result", "taken")], certificate.reloaded),
                ([("result", "refused")], certificate.refused),
            ],
        )
    }
}

impl Snapshot {
    pub(super) fn acme(&self, page: &mut Page<'_>) -> fmt::Result {
        let acme = self.app.acme.as_ref();
        page.gauge(
            "token_server_certificate_stand_in",
            "1 while the server presents its own self-signed certificate",
            acme.map(|it| truth(it.is_stand_in)),
        )?;
        page.gauge(
            "token_server_acme_due_timestamp_seconds",
            "When the next certificate is ordered",
            acme.and_then(|it| it.due_at).map(time),
        )?;
        page.gauge(
            "token_server_acme_failures",
            "Failed certificate orders since the last successful one",
            acme.map(|it| span(it.failures)),
        )?;
        page.gauge(
            "token_server_acme_last_failure_timestamp_seconds",
            "When a certificate order last failed",
            acme.and_then(|it| it.failed_at).map(time),
        )?;
        page.counters(
            "token_server_acme_validations",
            "Connections by which the authority validated a name",
            self.connections
                .iter()
                .map(|it| ([("listener", it.listener)], it.validations)),
        )
    }
}

/// The code; a request without a token has the same as one with a bad one, and is another thing.
fn error_label(code: ErrorCode) -> &'static str {
    if code == ErrorCode::MissingToken {
        "missing_token"
    } else {
        code.as_str()
    }
}
