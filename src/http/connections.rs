//! Owns what is counted of the connections of one listener.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::OnceLock;

use axum_server::Handle;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

use crate::metric::Counter;

/// What is counted of connections.
#[derive(Debug, Default)]
pub struct ConnectionTraffic {
    /// Knows how many are open; there once the server serves.
    pub(super) handle: OnceLock<Handle<SocketAddr>>,
    pub(super) accepted: Counter,
    pub(super) over_limit: Counter,
    pub(super) handshakes_failed: Counter,
    pub(super) handshakes_late: Counter,
    /// By version, then by whether a session was resumed.
    handshakes: [[Counter; 2]; VERSIONS.len()],
}

/// The versions that are spoken.
const VERSIONS: [&str; 2] = ["1.2", "1.3"];

impl ConnectionTraffic {
    pub(super) fn count_handshake(&self, connection: &ServerConnection) {
        let newest = connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        self.handshakes[usize::from(newest)][usize::from(resumed)].count();
    }

    /// Counts a handshake that came to nothing.
    pub(super) fn count_failure(&self, error: &io::Error) {
        if error.kind() == ErrorKind::TimedOut {
            self.handshakes_late.count();
        } else {
            self.handshakes_failed.count();
        }
    }

    /// Handshakes that were completed: the version, whether a session was resumed, how many.
    pub(super) fn handshakes(&self) -> impl Iterator<Item = (&'static str, bool, u64)> {
        let rows = VERSIONS.into_iter().zip(&self.handshakes);
        rows.flat_map(|(version, [full, resumed])| {
            [
                (version, false, full.value()),
                (version, true, resumed.value()),
            ]
        })
    }

    /// Connections that are open.
    pub(super) fn open(&self) -> usize {
        self.handle.get().map_or(0, Handle::connection_count)
    }
}
