//! Owns what is counted of requests and connections. Each route has its counters from the start, so that a request
//! looks nothing up and takes no lock: it adds to three numbers of its own route.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use axum_server::Handle;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

use crate::domain::ErrorCode;
use crate::metric::{BOUNDS, Counter, Distribution, bucket, whole_micros};

/// The classes of status that an answer can have.
pub(super) const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// All that is counted of one server.
#[derive(Debug)]
pub(super) struct Traffic {
    pub(super) verify: Arc<RouteTraffic>,
    pub(super) authorize: Arc<RouteTraffic>,
    others: Mutex<Vec<Arc<RouteTraffic>>>,
    pub(super) connections: Arc<ConnectionTraffic>,
}

impl Default for Traffic {
    fn default() -> Self {
        let hot = |path| Arc::new(RouteTraffic::new(path, false));
        Self {
            verify: hot("/verify"),
            authorize: hot("/authorize"),
            others: Mutex::default(),
            connections: Arc::default(),
        }
    }
}

impl Traffic {
    /// The counters of a route, which are made the first time.
    pub(super) fn route(&self, path: &str) -> Arc<RouteTraffic> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let hot = [&self.verify, &self.authorize].into_iter();
        if let Some(known) = hot.chain(&*others).find(|known| *known.path == *path) {
            return Arc::clone(known);
        }
        let route = Arc::new(RouteTraffic::new(path, true));
        others.push(Arc::clone(&route));
        route
    }

    /// Those of all routes.
    pub(super) fn routes(&self) -> Vec<Arc<RouteTraffic>> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let hot = [&self.verify, &self.authorize].into_iter();
        hot.chain(&*others).cloned().collect()
    }
}

/// What is counted of one route. Aligned to its own cache lines, so that a busy neighbour does not slow it.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct RouteTraffic {
    path: Box<str>,
    /// Whether a request there may change something, and its id has to be known to the audit trail.
    pub(super) may_change: bool,
    begun: Counter,
    abandoned: Counter,
    micros: Counter,
    /// By class of status, then by how long it took: one addition for both.
    ended: [[Counter; BOUNDS.len() + 1]; CLASSES.len()],
    /// By number of the code.
    refused: [Counter; ErrorCode::ALL.len()],
}

impl RouteTraffic {
    fn new(path: &str, may_change: bool) -> Self {
        Self {
            path: path.into(),
            may_change,
            begun: Counter::default(),
            abandoned: Counter::default(),
            micros: Counter::default(),
            ended: Default::default(),
            refused: Default::default(),
        }
    }

    /// The path as the router has it.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Counts a request from now until it is answered, or dropped because its caller has gone.
    pub(super) fn begin(self: Arc<Self>) -> Passing {
        self.begun.count();
        Passing {
            route: self,
            answered: false,
        }
    }

    /// What was counted up to now.
    pub(super) fn read(&self) -> RouteFigures {
        let ended = std::array::from_fn(|class: usize| {
            std::array::from_fn(|bucket: usize| self.ended[class][bucket].value())
        });
        let classes = ended.map(|buckets: [u64; BOUNDS.len() + 1]| buckets.iter().sum());
        let latency = Distribution {
            buckets: std::array::from_fn(|bucket| ended.iter().map(|class| class[bucket]).sum()),
            micros: self.micros.value(),
        };
        let abandoned = self.abandoned.value();
        // Read last: what begins meanwhile makes it larger, never too small.
        let begun = self.begun.value();
        RouteFigures {
            in_flight: begun.saturating_sub(abandoned + latency.count()),
            abandoned,
            classes,
            latency,
            refused: std::array::from_fn(|code| self.refused[code].value()),
        }
    }
}

/// What was counted of one route up to a moment.
#[derive(Debug)]
pub(super) struct RouteFigures {
    /// Requests that are being answered.
    pub(super) in_flight: u64,
    /// Requests whose callers went before there was an answer.
    pub(super) abandoned: u64,
    /// Answers by class of status.
    pub(super) classes: [u64; CLASSES.len()],
    pub(super) latency: Distribution,
    /// Answers of an error, by number of its code.
    pub(super) refused: [u64; ErrorCode::ALL.len()],
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Passing {
    route: Arc<RouteTraffic>,
    answered: bool,
}

impl Passing {
    /// The route, for the log.
    pub(super) fn path(&self) -> &str {
        self.route.path()
    }

    /// Counts the answer.
    pub(super) fn end(&mut self, status: StatusCode, refused: Option<ErrorCode>, took: Duration) {
        let micros = whole_micros(took);
        let class = usize::from(status.as_u16() / 100).clamp(2, 5) - 2;
        self.route.ended[class][bucket(micros)].count();
        self.route.micros.add(micros);
        if let Some(code) = refused {
            self.route.refused[code as usize].count();
        }
        self.answered = true;
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if !self.answered {
            self.route.abandoned.count();
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_in_flight_until_it_is_answered_or_abandoned() {
        let traffic = Traffic::default();
        let route = traffic.route("/a");
        let mut answered = Arc::clone(&route).begin();
        let abandoned = traffic.route("/a").begin();
        assert_eq!(route.read().in_flight, 2);

        let refused = Some(ErrorCode::NotFound);
        answered.end(StatusCode::NOT_FOUND, refused, Duration::from_micros(70));
        drop((answered, abandoned));

        let read = route.read();
        assert_eq!((read.in_flight, read.abandoned), (0, 1));
        assert_eq!(read.classes, [0, 0, 1, 0]);
        assert_eq!(read.refused[ErrorCode::NotFound as usize], 1);
        assert_eq!((read.latency.buckets[1], read.latency.micros), (1, 70));
        assert_eq!(traffic.routes().len(), 3);
    }
}
