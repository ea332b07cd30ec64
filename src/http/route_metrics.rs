//! Owns what is counted of requests, and how many a route answers at once. Each route has its counters from the start, so
//! that a request looks nothing up and takes no lock: it touches three numbers of its own route, one of them twice.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;

use crate::app::RejectedRequests;
use crate::app::error::{Error, Result};
use crate::base::metrics::{BOUNDS, Counter, Distribution, Gauge, bucket, whole_micros};
use crate::domain::ErrorCode;

/// The classes of status that an answer can have.
pub(super) const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// What orchestrators ask is answered however much else there is to do.
pub(super) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// All that is counted of one server.
#[derive(Debug)]
pub(super) struct Traffic {
    /// `MAX_REQUESTS`.
    max_requests: u64,
    pub(super) verify: Arc<RouteTraffic>,
    pub(super) authorize: Arc<RouteTraffic>,
    others: Mutex<Vec<Arc<RouteTraffic>>>,
    refusals: Arc<RejectedRequests>,
}

impl Traffic {
    /// Nothing is counted yet; each route answers so many requests at once. Who is refused is noted in `refusals`.
    pub(super) fn new(max_requests: u64, refusals: Arc<RejectedRequests>) -> Self {
        let hot = |path| {
            let refusals = Arc::clone(&refusals);
            Arc::new(RouteTraffic::new(path, max_requests, false, refusals))
        };
        Self {
            max_requests,
            verify: hot("/verify"),
            authorize: hot("/authorize"),
            others: Mutex::default(),
            refusals,
        }
    }

    /// The counters of a route, which are made the first time.
    pub(super) fn route(&self, path: &str) -> Arc<RouteTraffic> {
        let path = canonical(path);
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let hot = [&self.verify, &self.authorize].into_iter();
        if let Some(known) = hot.chain(&*others).find(|known| *known.path == *path) {
            return Arc::clone(known);
        }
        let limit = if PROBES.contains(&path) {
            u64::MAX
        } else {
            self.max_requests
        };
        let refusals = Arc::clone(&self.refusals);
        let route = Arc::new(RouteTraffic::new(path, limit, true, refusals));
        others.push(Arc::clone(&route));
        route
    }

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
    /// Whether a request there may come with a `DPoP` proof, and gets the nonce for the next one.
    pub(super) takes_proofs: bool,
    /// How many may be in flight. Each route has its own: logins that wait for the database leave `/verify` its room.
    limit: u64,
    in_flight: Gauge,
    over_limit: Counter,
    abandoned: Counter,
    micros: Counter,
    /// By class of status, then by how long it took: one addition for both.
    ended: [[Counter; BOUNDS.len() + 1]; CLASSES.len()],
    /// By number of the code.
    refused: [Counter; ErrorCode::ALL.len()],
    refusals: Arc<RejectedRequests>,
}

impl RouteTraffic {
    fn new(path: &str, limit: u64, may_change: bool, refusals: Arc<RejectedRequests>) -> Self {
        Self {
            path: path.into(),
            may_change,
            takes_proofs: takes_proofs(path),
            limit,
            in_flight: Gauge::default(),
            over_limit: Counter::default(),
            abandoned: Counter::default(),
            micros: Counter::default(),
            ended: Default::default(),
            refused: Default::default(),
            refusals,
        }
    }

    /// The path as the router has it.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Counts a request from now until it is answered, or dropped because its caller has gone.
    pub(super) fn begin(self: Arc<Self>) -> InFlight {
        let before = self.in_flight.inc();
        InFlight {
            is_over_limit: before >= self.limit,
            route: self,
            answered: false,
        }
    }

    /// What was counted up to now.
    pub(super) fn read(&self) -> RouteMetrics {
        let ended = std::array::from_fn(|class: usize| {
            std::array::from_fn(|bucket: usize| self.ended[class][bucket].value())
        });
        let classes = ended.map(|buckets: [u64; BOUNDS.len() + 1]| buckets.iter().sum());
        let latency = Distribution {
            buckets: std::array::from_fn(|bucket| ended.iter().map(|class| class[bucket]).sum()),
            micros: self.micros.value(),
        };
        RouteMetrics {
            in_flight: self.in_flight.value(),
            over_limit: self.over_limit.value(),
            abandoned: self.abandoned.value(),
            classes,
            latency,
            refused: std::array::from_fn(|code| self.refused[code].value()),
        }
    }
}

/// Where tokens are issued to proofs, or sent with them.
fn takes_proofs(path: &str) -> bool {
    let prefixes = ["/verify/requiring/", "/admin/api/v1/"];
    ["/authorize", "/token", "/verify", "/introspect"].contains(&path)
        || prefixes.iter().any(|prefix| path.starts_with(prefix))
}

/// A route with a slash at its end that is served without one too is the same route.
fn canonical(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some(shorter) if !shorter.is_empty() && !shorter.contains('{') => shorter,
        Some(_) | None => path,
    }
}

/// What was counted of one route up to a moment.
#[derive(Debug)]
pub(super) struct RouteMetrics {
    pub(super) in_flight: u64,
    /// Requests that were refused because so many were.
    pub(super) over_limit: u64,
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
pub(super) struct InFlight {
    route: Arc<RouteTraffic>,
    is_over_limit: bool,
    answered: bool,
}

impl InFlight {
    /// Refuses it when as many as may be were in flight before it.
    pub(super) fn admit(&self) -> Result<()> {
        if !self.is_over_limit {
            return Ok(());
        }
        self.route.over_limit.inc();
        let reason = anyhow::anyhow!("{} has MAX_REQUESTS requests in flight", self.path());
        Err(
            Error::temporarily_unavailable("too many requests at once; try again shortly")
                .with_source(reason),
        )
    }

    pub(super) fn path(&self) -> &str {
        self.route.path()
    }

    /// Notes who was refused, where that is known.
    pub(super) fn note_refusal(&self, request_id: &str, error: &Error) {
        self.route.refusals.note(self.path(), request_id, error);
    }

    /// Counts the answer.
    pub(super) fn end(&mut self, status: StatusCode, refused: Option<ErrorCode>, took: Duration) {
        let micros = whole_micros(took);
        let class = usize::from(status.as_u16() / 100).clamp(2, 5) - 2;
        self.route.ended[class][bucket(micros)].inc();
        self.route.micros.add(micros);
        if let Some(code) = refused {
            self.route.refused[code as usize].inc();
        }
        self.answered = true;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.route.in_flight.dec();
        if !self.answered {
            self.route.abandoned.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Clock, UnixTime};

    #[test]
    fn a_request_is_in_flight_until_it_is_answered_or_abandoned() {
        let refusals = RejectedRequests::new(Clock::fixed(UnixTime(0)));
        let traffic = Traffic::new(2, Arc::new(refusals));
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

    #[test]
    fn each_route_has_its_own_limit_and_those_of_orchestrators_have_none() {
        let refusals = RejectedRequests::new(Clock::fixed(UnixTime(0)));
        let traffic = Traffic::new(1, Arc::new(refusals));
        let begin = |path| traffic.route(path).begin();
        let (first, second, elsewhere) = (begin("/a"), begin("/a"), begin("/verify"));
        let looks = ["/healthz", "/healthz", "/readyz", "/readyz"].map(begin);

        let refused = second.admit().unwrap_err();
        assert_eq!(refused.code, ErrorCode::TemporarilyUnavailable);
        assert_eq!(refused.retry_after, Some(1));
        assert!(first.admit().is_ok() && elsewhere.admit().is_ok());
        assert!(looks.iter().all(|look| look.admit().is_ok()));
        drop((first, second));
        assert!(begin("/a").admit().is_ok());
        assert_eq!(traffic.route("/a").read().over_limit, 1);
    }
}
