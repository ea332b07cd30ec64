//! Who asks: requests, connections, and what these are shown.

use std::fmt;

use super::{Snapshot, count, number, span, time, truth};
use crate::domain::ErrorCode;
use crate::http::ops::exposition::{Page, labelled, metrics};
use crate::http::route_metrics::CLASSES;

impl Snapshot {
    pub(super) fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let routes = || {
            labelled(
                "route",
                self.routes.iter().map(|(path, read)| (path.as_str(), read)),
            )
        };
        let refused = |code: ErrorCode| -> u64 {
            let routes = self.routes.iter();
            routes.map(|(_, read)| read.refused[code as usize]).sum()
        };
        metrics! { page {
            counters "token_server_http_requests" "Answered requests, by class of status":
                routes().flat_map(|([route], read)| {
                    let classes = CLASSES.into_iter().zip(read.classes);
                    classes.map(move |(class, count)| ([route, ("code", class)], count))
                });
            histograms "token_server_http_request_duration_seconds"
                "Time from the head of a request to the head of its answer":
                routes().map(|(label, read)| (label, read.latency));
            gauges "token_server_http_requests_in_flight" "Requests in flight":
                routes().map(|(label, read)| (label, number(read.in_flight)));
            gauge "token_server_http_requests_limit" "Limit of requests in flight, of each route (MAX_REQUESTS)":
                number(self.max_requests);
            counters "token_server_http_requests_over_limit"
                "Requests refused because MAX_REQUESTS of their route were in flight":
                routes().map(|(label, read)| (label, read.over_limit));
            counters "token_server_http_requests_abandoned"
                "Requests whose callers closed the connection before the answer":
                routes().map(|(label, read)| (label, read.abandoned));
            counters "token_server_refusals" "Error responses, by code":
                labelled("error", ErrorCode::ALL.map(|code| (error_label(code), refused(code))));
        } }
    }

    pub(super) fn connections(&self, page: &mut Page<'_>) -> fmt::Result {
        let listeners = || {
            labelled(
                "listener",
                self.connections.iter().map(|(name, it)| (*name, it)),
            )
        };
        metrics! { page {
            gauges "token_server_connections" "Open connections":
                listeners().map(|(label, it)| (label, count(it.open())));
            gauges "token_server_connections_limit" "Limit of open connections (MAX_CONNECTIONS)":
                listeners().map(|(label, _)| (label, count(self.max_connections)));
            counters "token_server_connections_accepted"
                "Accepted connections, including those that were closed at once":
                listeners().map(|(label, it)| (label, it.accepted.value()));
            counters "token_server_connections_refused"
                "Connections closed before the handshake, by the limit that was reached":
                listeners().flat_map(|([listener], it)| {
                    it.refused().map(|(reason, count)| ([listener, ("reason", reason)], count))
                });
            counters "token_server_tls_handshakes" "Completed TLS handshakes":
                listeners().flat_map(|([listener], it)| {
                    it.handshakes().map(move |(version, resumed, count)| {
                        let resumed = if resumed { "true" } else { "false" };
                        ([listener, ("version", version), ("resumed", resumed)], count)
                    })
                });
            counters "token_server_tls_handshake_failures" "Failed TLS handshakes":
                listeners().flat_map(|([listener], it)| {
                    [("error", &it.handshakes_failed), ("timeout", &it.handshakes_late)]
                        .map(|(reason, counter)| ([listener, ("reason", reason)], counter.value()))
                });
            counters "token_server_proxy_headers_refused"
                "Connections closed because they did not come from a trusted proxy, or had no valid PROXY header":
                listeners().flat_map(|([listener], it)| {
                    it.without_source().map(|(reason, count)| ([listener, ("reason", reason)], count))
                });
        } }
    }

    pub(super) fn certificate(&self, page: &mut Page<'_>) -> fmt::Result {
        let certificate = &self.certificate;
        metrics! { page {
            gauge "token_server_certificate_expiry_timestamp_seconds" "When the served certificate expires":
                certificate.expires_at().map(time);
            gauge "token_server_certificate_files_unusable"
                "1 while the new certificate is unusable, and the server presents an older one":
                truth(certificate.files_are_unusable());
            counters "token_server_certificate_reloads" "New certificates, loaded or refused":
                labelled("result", [
                    ("taken", certificate.reloaded.value()),
                    ("refused", certificate.refused.value()),
                ]);
        } }
    }

    pub(super) fn acme(&self, page: &mut Page<'_>) -> fmt::Result {
        let acme = self.app.acme.as_ref();
        metrics! { page {
            gauge "token_server_certificate_stand_in" "1 while the server presents its own self-signed certificate":
                acme.map(|it| truth(it.is_stand_in));
            gauge "token_server_acme_due_timestamp_seconds" "When the next certificate is ordered":
                acme.and_then(|it| it.due_at).map(time);
            gauge "token_server_acme_failures" "Failed certificate orders since the last successful one":
                acme.map(|it| span(it.failures));
            gauge "token_server_acme_last_failure_timestamp_seconds" "When a certificate order last failed":
                acme.and_then(|it| it.failed_at).map(time);
            counters "token_server_acme_validations" "Connections by which the authority validated a name":
                labelled("listener", self.connections.iter().map(|(name, it)| (*name, it.validations.value())));
        } }
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
