//! Owns the limits of failed logins of clients (RFC 6749 §2.3.1: guessing MUST be throttled). An attempt takes its places
//! before it is decided. A proof that cannot be guessed, and a secret that this network has proved before, need none.

use std::net::IpAddr;

use anyhow::anyhow;

use crate::app::authentication::places::{Place, Places};
use crate::app::core::waiting_room::{WaitingMetrics, WaitingRoom};
use crate::app::error::{Error, Result};
use crate::base::clock::Clock;
use crate::base::metrics::{CacheMetrics, Counter};
use crate::base::source_network::source_network;
use crate::config::AuthenticationConfig;
use crate::domain::{ClientId, ErrorCode};

pub(crate) struct Throttle {
    places: Places<Key>,
    client_limit: u32,
    source_limit: u32,
    by_client: Counter,
    by_source: Counter,
}

/// Logins that were refused.
#[derive(Clone, Copy, Debug)]
pub struct Throttled {
    /// For failures of their source in the name of their client.
    pub by_client: u64,
    /// For failures of their source in anybody's name.
    pub by_source: u64,
}

/// What is limited, by the source network.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    /// Failures in the name of this client.
    Client(IpAddr, ClientId),
    /// Failures in anybody's name.
    Source(IpAddr),
    /// Readings of the database whose callers went away meanwhile.
    LookUps(IpAddr),
}

/// A login that is not decided yet. Dropped, it counts as no failure.
#[must_use]
pub(crate) struct LogInAttempt<'a> {
    throttle: &'a Throttle,
    source: IpAddr,
    places: Vec<Place<'a, Key>>,
}

impl LogInAttempt<'_> {
    pub(crate) fn fail(self) {
        self.places.into_iter().for_each(Place::fail);
    }

    /// Awaits a reading of the database for the attempt. A caller that goes away meanwhile has not failed, but its source has
    /// only so many of these readings: else it could have the server read without end and never be over a limit.
    pub(crate) async fn read<T>(&self, reading: impl Future<Output = T>) -> Result<T> {
        let limit = self.throttle.source_limit;
        if limit == 0 {
            return Ok(reading.await);
        }
        let key = Key::LookUps(self.source);
        let place = self.throttle.enter(&key, limit, self.source).await?;
        let spent = place.spend();
        let read = reading.await;
        spent.give_back();
        Ok(read)
    }
}

impl Throttle {
    pub(crate) fn new(config: &AuthenticationConfig, clock: Clock) -> Self {
        let waiting = WaitingRoom::new(config.hashing_queue);
        let seconds = i64::try_from(config.throttle_window.as_secs()).unwrap_or(i64::MAX);
        Self {
            places: Places::new(seconds, clock, waiting),
            client_limit: config.throttle_client_failures,
            source_limit: config.throttle_source_failures,
            by_client: Counter::default(),
            by_source: Counter::default(),
        }
    }

    /// Begins an attempt. Waits while others of this source may still use up the limits; 429 when failures have done so.
    pub(crate) async fn begin(
        &self,
        source: IpAddr,
        id: Option<&ClientId>,
    ) -> Result<LogInAttempt<'_>> {
        let source = source_network(source);
        // The narrow limit first: attempts in one name that wait hold no place that other names need.
        let of_client = id.map(|id| (Key::Client(source, id.clone()), self.client_limit));
        let of_source = Some((Key::Source(source), self.source_limit));
        let mut places = Vec::with_capacity(2);
        for (key, limit) in of_client.into_iter().chain(of_source) {
            // 0: no limit.
            if limit > 0 {
                places.push(self.enter(&key, limit, source).await?);
            }
        }
        Ok(LogInAttempt {
            throttle: self,
            source,
            places,
        })
    }

    async fn enter(&self, key: &Key, limit: u32, source: IpAddr) -> Result<Place<'_, Key>> {
        let entered = self.places.enter(key, limit, Some(source)).await;
        entered.map_err(|error| self.explain(key, error))
    }

    fn explain(&self, key: &Key, error: Error) -> Error {
        if error.code != ErrorCode::RateLimited {
            return error;
        }
        let (counter, of) = match key {
            Key::Client(..) => (
                &self.by_client,
                "of this address in the name of this client",
            ),
            Key::Source(_) => (&self.by_source, "of this address in anybody's name"),
            Key::LookUps(_) => (&self.by_source, "of this address to wait for an answer"),
        };
        counter.inc();
        let reason = format!("{} {of}", error.reason());
        error.with_source(anyhow!(reason))
    }

    /// Logins that wait for a place.
    pub(crate) fn waiting(&self) -> WaitingMetrics {
        self.places.waiting("clients")
    }

    pub(crate) fn throttled(&self) -> Throttled {
        Throttled {
            by_client: self.by_client.value(),
            by_source: self.by_source.value(),
        }
    }

    pub(crate) fn metrics(&self) -> CacheMetrics {
        self.places.metrics("failures")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::base::clock::UnixTime;

    #[test]
    fn failing_in_many_names_is_noticed_too() {
        let (clock, waiting) = (Clock::fixed(UnixTime(0)), WaitingRoom::new(0));
        let throttle = Throttle {
            places: Places::new(60, clock, waiting),
            client_limit: 2,
            source_limit: 3,
            by_client: Counter::default(),
            by_source: Counter::default(),
        };
        let begin = |source: &str, name: &str| {
            let (source, id) = (source.parse().unwrap(), ClientId::parse(name).ok());
            let begun = throttle.begin(source, id.as_ref()).now_or_never();
            begun.unwrap().map(LogInAttempt::fail)
        };
        for name in ["a", "b", "c"] {
            begin("2001:db8::1", name).unwrap();
        }

        assert!(begin("2001:db8::ffff", "d").is_err());
        assert!(begin("2001:db8:0:1::1", "d").is_ok());
        assert_eq!(throttle.throttled().by_source, 1);
    }
}
