//! Owns how many connections the process has descriptors for, over all listeners. The rest is the server's own: for the
//! database, files, requests to others, and `OPS_LISTEN`, which answers while nobody else can connect.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::base::process_limits::descriptor_limit;
use crate::config::Config;

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

    /// Gives it back.
    pub(in crate::http) fn leave(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    /// Connections at most.
    pub(in crate::http) fn limit(&self) -> usize {
        self.limit
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
