//! Owns what is counted of the connections of one listener.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum_server::Handle;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::base::metrics::Counter;
use crate::http::server::proxy_protocol::NoSource;
use crate::http::server::stoppable_listener::Peer;

/// What is counted of connections.
#[derive(Debug, Default)]
pub struct ConnectionTraffic {
    /// Knows how many are open; there once the server serves.
    pub(in crate::http) handle: OnceLock<Handle<Peer>>,
    /// Those over which nothing was asked yet.
    pub(in crate::http) newcomers: TaskTracker,
    pub(in crate::http) accepted: Counter,
    pub(in crate::http) over_limit: Counter,
    pub(in crate::http) handshakes_failed: Counter,
    pub(in crate::http) handshakes_late: Counter,
    /// Connections by which an authority validated a name.
    pub(in crate::http) validations: Counter,
    /// By version, then by whether a session was resumed.
    handshakes: [[Counter; 2]; VERSIONS.len()],
    /// By number of the reason.
    without_source: [Counter; NO_SOURCE.len()],
    /// When the log was last told of one.
    told_at: Mutex<Option<Instant>>,
}

/// Why connections have no PROXY header.
const NO_SOURCE: [(NoSource, &str); 3] = [
    (NoSource::Untrusted, "untrusted"),
    (NoSource::Malformed, "malformed"),
    (NoSource::Late, "timeout"),
];

/// How often the log is told of one, however many come.
const PAUSE: Duration = Duration::from_mins(1);

/// The versions that are spoken.
const VERSIONS: [&str; 2] = ["1.2", "1.3"];

impl ConnectionTraffic {
    pub(in crate::http) fn count_handshake(&self, connection: &ServerConnection) {
        let newest = connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        self.handshakes[usize::from(newest)][usize::from(resumed)].inc();
    }

    /// Counts a handshake that came to nothing.
    pub(in crate::http) fn count_failure(&self, error: &io::Error) {
        if error.kind() == ErrorKind::TimedOut {
            self.handshakes_late.inc();
        } else {
            self.handshakes_failed.inc();
        }
    }

    /// Counts a connection that does not say whose it is, and tells the log of it, unless it was told just before.
    pub(in crate::http) fn note_without_source(&self, peer: SocketAddr, why: NoSource) {
        self.without_source[why as usize].inc();
        let mut told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        if told_at.is_none_or(|at| at.elapsed() >= PAUSE) {
            *told_at = Some(Instant::now());
            tracing::warn!(
                %peer,
                "a connection from {peer} was closed: {why}; others are counted, and told once a minute at most"
            );
        }
    }

    /// Connections that do not say whose they are, by reason.
    pub(in crate::http) fn without_source(&self) -> [(&'static str, u64); NO_SOURCE.len()] {
        NO_SOURCE.map(|(why, name)| (name, self.without_source[why as usize].value()))
    }

    /// Handshakes that were completed: the version, whether a session was resumed, how many.
    pub(in crate::http) fn handshakes(&self) -> impl Iterator<Item = (&'static str, bool, u64)> {
        let rows = VERSIONS.into_iter().zip(&self.handshakes);
        rows.flat_map(|(version, [full, resumed])| {
            [
                (version, false, full.value()),
                (version, true, resumed.value()),
            ]
        })
    }

    /// Connections that are open.
    pub(in crate::http) fn open(&self) -> usize {
        self.handle.get().map_or(0, Handle::connection_count)
    }
}
