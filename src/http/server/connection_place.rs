//! Owns the place that a connection has while it is open: among all, among what the process has descriptors for, and
//! among those of its source network.

use std::net::IpAddr;
use std::sync::Arc;

use crate::http::server::connection_metrics::ConnectionTraffic;

/// Why a connection is closed before its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum ConnectionRefusal {
    /// Of the listener.
    #[error("MAX_CONNECTIONS connections are open")]
    Total,
    /// Of the source network.
    #[error("its network has as many connections as MAX_CONNECTIONS_PER_SOURCE allows")]
    Source,
    /// Of the process.
    #[error("the process has no descriptors left for connections")]
    Descriptors,
}

/// The place of one connection, which is free again when this is dropped.
#[derive(Debug)]
pub(in crate::http) struct ConnectionPlace {
    traffic: Arc<ConnectionTraffic>,
    /// Of whom it is counted.
    source: Option<IpAddr>,
}

impl ConnectionPlace {
    /// A place of a connection whose source is not known yet.
    pub(in crate::http) fn take(
        traffic: &Arc<ConnectionTraffic>,
    ) -> Result<Self, ConnectionRefusal> {
        if traffic.room.enter() {
            Ok(Self {
                traffic: Arc::clone(traffic),
                source: None,
            })
        } else {
            Err(ConnectionRefusal::Descriptors)
        }
    }

    /// Counts the connection among those of `source`, which may have `share` of them.
    pub(in crate::http) fn count_source(
        &mut self,
        source: IpAddr,
        share: usize,
    ) -> Result<(), ConnectionRefusal> {
        if self.traffic.sources.add(source, share) {
            self.source = Some(source);
            Ok(())
        } else {
            Err(ConnectionRefusal::Source)
        }
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.traffic.room.leave();
        if let Some(source) = self.source {
            self.traffic.sources.remove(source);
        }
    }
}
