//! Owns the counting of failed logins (RFC 6749 §2.3.1: guessing MUST be throttled). A secret already
//! proved is answered before anybody asks here, so nobody can lock a good client out by failing in
//! its name.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::anyhow;
use moka::sync::Cache;

use super::figures::CacheFigures;
use crate::clock::UnixTime;
use crate::config::AuthenticationConfig;
use crate::domain::ClientId;
use crate::error::{Error, Result};
use crate::metric::Counter;

/// Sources times names that can be counted at once. Past that the least used are forgotten, which
/// favours the attacker with a million addresses, and nobody else.
const CAPACITY: u64 = 100_000;

/// Failures of the last moments, of whatever `K` names.
pub(super) struct Failures<K> {
    windows: Cache<K, Arc<Window>>,
    seconds: i64,
}

struct Window {
    began_at: UnixTime,
    failures: AtomicU32,
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> Failures<K> {
    /// Counts nothing yet; each count goes on for so many seconds.
    pub(super) fn new(seconds: i64) -> Self {
        let windows = Cache::new(CAPACITY);
        Self { windows, seconds }
    }

    /// Refuses an attempt when as many failed before it as its limit says.
    pub(super) fn check(&self, key: &K, limit: u32, now: UnixTime) -> Result<()> {
        let Some(window) = self.windows.get(key) else {
            return Ok(());
        };
        let end = window.began_at.plus(self.seconds);
        let (rest, failures) = (end.since(now), window.failures.load(Ordering::Relaxed));
        if rest > 0 && failures >= limit {
            let throttled = Error::rate_limited(u32::try_from(rest).unwrap_or(u32::MAX));
            return Err(
                throttled.because(anyhow!("throttled until {end} after {failures} failures"))
            );
        }
        Ok(())
    }

    /// How many are remembered.
    fn count(&self) -> u64 {
        self.windows.run_pending_tasks();
        self.windows.entry_count()
    }

    /// Counts a failure.
    pub(super) fn record(&self, key: K, now: UnixTime) {
        let fresh = || {
            Arc::new(Window {
                began_at: now,
                failures: AtomicU32::new(0),
            })
        };
        let is_over = |window: &Arc<Window>| now.since(window.began_at) >= self.seconds;
        let entry = self.windows.entry(key).or_insert_with_if(fresh, is_over);
        entry.value().failures.fetch_add(1, Ordering::Relaxed);
    }
}

/// Failed logins of clients.
pub(super) struct Throttle {
    failures: Failures<Key>,
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

/// From where, and in whose name; `None`: in anybody's.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(IpAddr, Option<ClientId>);

impl Throttle {
    /// Counts nothing yet.
    pub(super) fn new(config: &AuthenticationConfig) -> Self {
        let seconds = i64::try_from(config.throttle_window.as_secs()).unwrap_or(i64::MAX);
        Self {
            failures: Failures::new(seconds),
            client_limit: config.throttle_client_failures,
            source_limit: config.throttle_source_failures,
            by_client: Counter::default(),
            by_source: Counter::default(),
        }
    }

    /// Refuses an attempt when too many failed before it.
    pub(super) fn check(&self, source: IpAddr, id: Option<&ClientId>, now: UnixTime) -> Result<()> {
        for (key, limit) in self.keys(source, id) {
            let checked = self.failures.check(&key, limit, now);
            checked.map_err(|error| {
                let (counter, of) = match key.1 {
                    Some(_) => (
                        &self.by_client,
                        "of this address in the name of this client",
                    ),
                    None => (&self.by_source, "of this address in anybody's name"),
                };
                counter.count();
                let reason = format!("{} {of}", error.reason());
                error.because(anyhow!(reason))
            })?;
        }
        Ok(())
    }

    /// Counts a failure.
    pub(super) fn record_failure(&self, source: IpAddr, id: Option<&ClientId>, now: UnixTime) {
        for (key, _) in self.keys(source, id) {
            self.failures.record(key, now);
        }
    }

    pub(super) fn throttled(&self) -> Throttled {
        Throttled {
            by_client: self.by_client.value(),
            by_source: self.by_source.value(),
        }
    }

    pub(super) fn figures(&self) -> CacheFigures {
        CacheFigures {
            name: "failures",
            entries: self.failures.count(),
            bytes: None,
            limit: CAPACITY,
            asked: None,
        }
    }

    fn keys(&self, source: IpAddr, id: Option<&ClientId>) -> impl Iterator<Item = (Key, u32)> {
        let source = network(source);
        [
            (Key(source, None), self.source_limit),
            (
                Key(source, id.cloned()),
                if id.is_some() { self.client_limit } else { 0 },
            ),
        ]
        .into_iter()
        .filter(|(_, limit)| *limit > 0)
    }
}

/// One customer of a provider has a whole /64 of IPv6.
pub(super) fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> Throttle {
        Throttle {
            failures: Failures::new(60),
            client_limit: 2,
            source_limit: 3,
            by_client: Counter::default(),
            by_source: Counter::default(),
        }
    }

    #[test]
    fn a_source_waits_until_its_window_ends() {
        let (throttle, id, now) = (throttle(), ClientId::parse("a").ok(), UnixTime(1_000));
        let source: IpAddr = "192.0.2.1".parse().unwrap();

        throttle.record_failure(source, id.as_ref(), now);
        assert!(throttle.check(source, id.as_ref(), now).is_ok());
        throttle.record_failure(source, id.as_ref(), now.plus(10));

        let refused = throttle
            .check(source, id.as_ref(), now.plus(20))
            .unwrap_err();
        assert_eq!(refused.retry_after, Some(40));
        assert!(throttle.check(source, id.as_ref(), now.plus(60)).is_ok());
    }

    #[test]
    fn failing_in_many_names_is_noticed_too() {
        let (throttle, now) = (throttle(), UnixTime(1_000));
        let source: IpAddr = "2001:db8::1".parse().unwrap();
        for name in ["a", "b", "c"] {
            throttle.record_failure(source, ClientId::parse(name).ok().as_ref(), now);
        }

        let neighbour: IpAddr = "2001:db8::ffff".parse().unwrap();
        let stranger: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        assert!(throttle.check(neighbour, None, now).is_err());
        assert!(throttle.check(stranger, None, now).is_ok());
    }
}
