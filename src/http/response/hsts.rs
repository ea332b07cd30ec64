//! Owns `Strict-Transport-Security` (RFC 6797), which pages for browsers have: a browser that has seen it never speaks plain
//! HTTP with this host again. Not for this machine's own names: it would break other servers of a developer.

use std::net::IpAddr;

use axum::http::header::STRICT_TRANSPORT_SECURITY;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;

use crate::http::AppState;
use crate::http::request::host::host;

/// What the answer to one request says.
#[derive(Debug)]
pub(in crate::http) struct Hsts(Option<HeaderValue>);

impl Hsts {
    /// Says nothing in development mode, for a host of this machine, and for an address (RFC 6797 §8.1.1).
    pub(in crate::http) fn of(app: &AppState, uri: &Uri, headers: &HeaderMap) -> Self {
        let config = app.config();
        let max_age = config.http.hsts_max_age.filter(|_| !config.development);
        let is_named = host(uri, headers).is_some_and(is_public_name);
        let value = max_age
            .filter(|_| is_named)
            .map(|seconds| format!("max-age={seconds}"));
        Self(value.and_then(|value| HeaderValue::try_from(value).ok()))
    }

    pub(in crate::http) fn add_to(self, response: &mut Response) {
        if let Self(Some(value)) = self {
            response
                .headers_mut()
                .insert(STRICT_TRANSPORT_SECURITY, value);
        }
    }
}

/// Whether a host, with or without a port, is a name that is not this machine's own.
fn is_public_name(host: &str) -> bool {
    if host.starts_with('[') {
        return false;
    }
    let name = host
        .split(':')
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    !name.is_empty() && !last.eq_ignore_ascii_case("localhost") && name.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_this_machine_and_an_address_are_no_public_names() {
        for host in [
            "tokens.example.com",
            "tokens.example.com:2600",
            "tokens",
            "localhost.example.com",
        ] {
            assert!(is_public_name(host), "{host}");
        }
        for host in [
            "",
            ":2600",
            "localhost",
            "LOCALHOST:2600",
            "localhost.",
            "a.localhost:443",
            "127.0.0.1",
            "127.8.9.1:2600",
            "[::1]",
            "[::1]:2600",
            "192.0.2.1",
            "[2001:db8::1]:443",
        ] {
            assert!(!is_public_name(host), "{host}");
        }
    }
}
