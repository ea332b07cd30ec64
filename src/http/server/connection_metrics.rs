//! Owns what is counted of the connections of one listener.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum_server::Handle;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
use tokio_util::task::TaskTracker;

use crate::base::metrics::Counter;
use crate::base::source_network::source_network;
use crate::http::server::connection_room::ConnectionRefusal;
use crate::http::server::connection_room::ConnectionRoom;
use crate::http::server::log_pause::LogPause;
use crate::http::server::proxy_protocol::NoSource;
use crate::http::server::source_counts::SourceCounts;
use crate::http::server::stoppable_listener::Peer;

/// What is counted of connections.
#[derive(Debug, Default)]
pub struct ConnectionTraffic {
    /// That of all listeners.
    pub(in crate::http) room: Arc<ConnectionRoom>,
    /// Connections by their source network.
    pub(in crate::http) sources: SourceCounts,
    /// Knows how many are open; there once the server serves.
    pub(in crate::http) handle: OnceLock<Handle<Peer>>,
    /// Those over which nothing was asked yet.
    pub(in crate::http) newcomers: TaskTracker,
    pub(in crate::http) accepted: Counter,
    /// By number of the reason.
    refused: [Counter; REFUSALS.len()],
    pub(in crate::http) handshakes_failed: Counter,
    pub(in crate::http) handshakes_late: Counter,
    /// Connections by which an authority validated a name.
    pub(in crate::http) validations: Counter,
    /// By version, then by whether a session was resumed.
    handshakes: [[Counter; 2]; VERSIONS.len()],
    /// By number of the reason.
    without_source: [Counter; NO_SOURCE.len()],
    pauses: Pauses,
}

/// Between the log lines about connections, one for each thing that is told.
#[derive(Debug, Default)]
struct Pauses {
    without_source: LogPause,
    over_share: LogPause,
    /// Both ways in which descriptors end.
    no_descriptors: LogPause,
}

/// Why connections are closed before their handshake.
const REFUSALS: [(ConnectionRefusal, &str); 3] = [
    (ConnectionRefusal::Total, "total"),
    (ConnectionRefusal::Source, "source"),
    (ConnectionRefusal::Descriptors, "descriptors"),
];

/// Why connections have no PROXY header.
const NO_SOURCE: [(NoSource, &str); 3] = [
    (NoSource::Untrusted, "untrusted"),
    (NoSource::Malformed, "malformed"),
    (NoSource::Late, "timeout"),
];

/// The versions of TLS that the server speaks.
const VERSIONS: [&str; 2] = ["1.2", "1.3"];

impl ConnectionTraffic {
    /// Nothing is counted yet; `room` is that of all listeners.
    pub(in crate::http) fn new(room: &Arc<ConnectionRoom>) -> Self {
        Self {
            room: Arc::clone(room),
            ..Self::default()
        }
    }

    pub(in crate::http) fn count_handshake(&self, connection: &ServerConnection) {
        let newest = connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        self.handshakes[usize::from(newest)][usize::from(resumed)].inc();
    }

    /// Counts a handshake that failed or did not end in time.
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
        if self.pauses.without_source.is_over() {
            tracing::warn!(
                %peer,
                "closed a connection from {peer}: {why}; the server counts others, and logs them once a minute at most"
            );
        }
    }

    /// Counts a connection that is closed before its handshake. The log is told of what an operator can do something about.
    pub(in crate::http) fn note_refusal(&self, refusal: ConnectionRefusal, source: IpAddr) {
        self.refused[refusal as usize].inc();
        if refusal == ConnectionRefusal::Source && self.pauses.over_share.is_over() {
            let network = source_network(source);
            tracing::warn!(
                source = %network,
                "closed a connection from the network of {network}: {refusal}; the server counts others, and logs \
                    them once a minute at most"
            );
        }
        if refusal == ConnectionRefusal::Descriptors && self.pauses.no_descriptors.is_over() {
            tracing::error!(
                "the server closes connections: {refusal}, of which there are {}: raise LimitNOFILE (`ulimit -n`); \
                    logged once a minute at most",
                self.room.limit()
            );
        }
    }

    /// Tells the log that the kernel hands no connection over: mostly because descriptors have run out.
    pub(in crate::http) fn note_accept_error(&self, error: &io::Error) {
        log_accept_error(&self.pauses.no_descriptors, error);
    }

    /// Connections that were closed before their handshake, by reason.
    pub(in crate::http) fn refused(&self) -> [(&'static str, u64); REFUSALS.len()] {
        REFUSALS.map(|(refusal, name)| (name, self.refused[refusal as usize].value()))
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

    pub(in crate::http) fn open(&self) -> usize {
        self.handle.get().map_or(0, Handle::connection_count)
    }
}

/// Tells the log that a listener cannot accept, which it tries again without end.
pub(in crate::http) fn log_accept_error(pause: &LogPause, error: &io::Error) {
    if pause.is_over() {
        tracing::error!("cannot accept connections: {error}; logged once a minute at most");
    }
}
