//! Owns how many connections the process has descriptors for, over all listeners, and the place that a connection has while
//! it is open: among these, and among those of its source network. The rest of the descriptors is the server's own: for the
//! database, files, requests to others, and `OPS_LISTEN`, which answers while nobody else can connect.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::base::process_limits::descriptor_limit;
use crate::config::Config;
use crate::http::server::connection_metrics::ConnectionTraffic;

/// Connections that `OPS_LISTEN` takes at once.
pub(in crate::http) const MAX_OPS_CONNECTIONS: usize = 64;

/// For listeners, files, signals, and requests to others.
const OTHERS: usize = 128;

/// A connection of SQLite has the database, its log and the index of that open.
const PER_DATABASE_CONNECTION: usize = 4;

/// Beside `DATABASE_POOL_SIZE`: for changes, for notifications, and for writes.
const MORE_DATABASE_CONNECTIONS: usize = 3;

/// For the runtime of a thread that serves.
const PER_CORE: usize = 8;

/// Descriptors that the server itself needs, at most.
pub fn own_descriptors(config: &Config) -> usize {
    let pool = usize::try_from(config.database.pool_size).unwrap_or(usize::MAX);
    let database = pool.saturating_add(MORE_DATABASE_CONNECTIONS);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (OTHERS + MAX_OPS_CONNECTIONS + PER_CORE * cores)
        .saturating_add(database.saturating_mul(PER_DATABASE_CONNECTION))
}

/// Connections for which `descriptors` are enough: at least half of them are for connections.
pub fn room_for_connections(descriptors: usize, config: &Config) -> usize {
    let rest = descriptors.saturating_sub(own_descriptors(config));
    rest.max(descriptors / 2)
}

/// Connections that the process has descriptors for, and those that there are.
#[derive(Debug)]
pub(in crate::http) struct ConnectionRoom {
    limit: usize,
    taken: AtomicUsize,
}

/// Without a limit.
impl Default for ConnectionRoom {
    fn default() -> Self {
        Self {
            limit: usize::MAX,
            taken: AtomicUsize::new(0),
        }
    }
}

impl ConnectionRoom {
    /// By the limit of descriptors that is in force now.
    pub(in crate::http) fn of_process(config: &Config) -> Self {
        let Some(descriptors) = descriptor_limit() else {
            return Self::default();
        };
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        Self {
            limit: room_for_connections(descriptors, config),
            ..Self::default()
        }
    }

    /// Takes the room of one connection; false when there is none.
    pub(in crate::http) fn enter(&self) -> bool {
        let has_entered = self.taken.fetch_add(1, Ordering::Relaxed) < self.limit;
        if !has_entered {
            self.leave();
        }
        has_entered
    }

    pub(in crate::http) fn leave(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    pub(in crate::http) fn limit(&self) -> usize {
        self.limit
    }
}

/// Why a connection is closed before its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum ConnectionRefusal {
    #[error("MAX_CONNECTIONS connections are open")]
    Total,
    #[error("its network has as many connections as MAX_CONNECTIONS_PER_SOURCE allows")]
    Source,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_nobody_enters_until_somebody_leaves() {
        let room = ConnectionRoom {
            limit: 2,
            ..ConnectionRoom::default()
        };

        assert!(room.enter() && room.enter());
        assert!(!room.enter() && !room.enter());
        room.leave();
        assert!(room.enter() && !room.enter());
    }
}
