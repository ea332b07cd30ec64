//! Owns the places of unresolved attempts. A key (a source, a client) has as many places as its limit says. An attempt
//! takes one before it is decided; success gives the place back, a failure uses it up until the window of the key ends.
//! So parallel attempts get no more answers than attempts one after the other. Knows neither clients nor admins.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::app::core::waiting_room::{WaitingMetrics, WaitingRoom};
use crate::app::error::{Error, Result};
use crate::base::clock::{Clock, UnixTime};
use crate::base::metrics::CacheMetrics;

/// Keys with failures that are remembered at once. Past that the oldest failures are forgotten, which favours an
/// attacker with 100,000 addresses and nobody else.
const CAPACITY: usize = 100_000;

pub(crate) struct Places<K: Clone + Eq + Hash> {
    windows: Mutex<Windows<K>>,
    clock: Clock,
    waiting: WaitingRoom,
}

struct Windows<K> {
    seconds: i64,
    /// The time of the last look.
    now: UnixTime,
    by_key: HashMap<K, Window>,
    /// The keys with failures in the order of their first failures, which is the order in which their windows end.
    failing: VecDeque<K>,
}

/// Free places, places in use and failures are together as many as the limit.
struct Window {
    /// When the first of the failures happened.
    began_at: UnixTime,
    failures: u32,
    limit: u32,
    /// The free places. Closed when the failures have used up all of them.
    free: Arc<Semaphore>,
}

impl<K: Clone + Eq + Hash> Places<K> {
    /// All places are free. A window lasts for `seconds` from its first failure on.
    pub(crate) fn new(seconds: i64, clock: Clock, waiting: WaitingRoom) -> Self {
        let windows = Windows {
            seconds,
            now: clock.steady(),
            by_key: HashMap::new(),
            failing: VecDeque::new(),
        };
        Self {
            windows: Mutex::new(windows),
            clock,
            waiting,
        }
    }

    /// Takes one of the `limit` places of `key`. Waits while all are in use: each of those attempts ends, since hashing
    /// and the database have deadlines. 429 when failures have used up all places, 503 when too many attempts wait and
    /// `source` has its share of the seats.
    ///
    /// An attempt that needs places of several keys takes them in one order, the same for all attempts, so that no two
    /// of them wait for each other.
    pub(crate) async fn enter(
        &self,
        key: &K,
        limit: u32,
        source: Option<IpAddr>,
    ) -> Result<Place<'_, K>> {
        let mut seat = None;
        loop {
            let (visit, free) = self.visit(key, limit)?;
            let permit = match Arc::clone(&free).try_acquire_owned() {
                Ok(permit) => permit,
                Err(TryAcquireError::Closed) => continue,
                Err(TryAcquireError::NoPermits) => {
                    let seat = match &mut seat {
                        Some(seat) => seat,
                        none @ None => none.insert(self.waiting.enter(source)?),
                    };
                    match seat.wait_for(free.acquire_owned()).await? {
                        Ok(permit) => permit,
                        // The last free place was used up meanwhile.
                        Err(_) => continue,
                    }
                }
            };
            return Ok(Place { permit, visit });
        }
    }

    fn visit(&self, key: &K, limit: u32) -> Result<(Visit<'_, K>, Arc<Semaphore>)> {
        let mut windows = self.windows();
        let (now, seconds) = (windows.now, windows.seconds);
        let window = windows.by_key.entry(key.clone()).or_insert_with(|| Window {
            began_at: now,
            failures: 0,
            limit,
            free: Arc::new(Semaphore::new(limit as usize)),
        });
        if window.is_used_up() {
            let (end, failures) = (window.began_at.plus(seconds), window.failures);
            let rest = u32::try_from(end.since(now)).unwrap_or(u32::MAX);
            let reason = anyhow!("throttled until {end} after {failures} failures");
            return Err(Error::rate_limited(rest).with_source(reason));
        }
        let free = Arc::clone(&window.free);
        let visit = Visit {
            free: Some(Arc::clone(&free)),
            places: self,
            key: key.clone(),
        };
        Ok((visit, free))
    }

    pub(crate) fn waiting(&self, name: &'static str) -> WaitingMetrics {
        self.waiting.metrics(name)
    }

    pub(crate) fn metrics(&self, name: &'static str) -> CacheMetrics {
        CacheMetrics::of_entries(name, self.windows().failing.len(), CAPACITY as u64)
    }

    /// The windows as of now: those that have ended are gone.
    fn windows(&self) -> MutexGuard<'_, Windows<K>> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that time does not go backwards.
        windows.go_on(self.clock.steady());
        windows
    }
}

impl<K: Clone + Eq + Hash> Windows<K> {
    fn go_on(&mut self, now: UnixTime) {
        self.now = now;
        while let Some(key) = self.failing.front() {
            let window = self.by_key.get(key);
            let is_over = window.is_none_or(|it| now.since(it.began_at) >= self.seconds);
            if !is_over && self.failing.len() <= CAPACITY {
                break;
            }
            if let Some(key) = self.failing.pop_front() {
                self.forget_failures(&key);
            }
        }
    }

    fn forget_failures(&mut self, key: &K) {
        let Some(window) = self.by_key.get_mut(key) else {
            return;
        };
        if window.is_used_up() {
            // No place of it is in use, and nobody waits for one.
            self.by_key.remove(key);
            return;
        }
        window.free.add_permits(window.failures as usize);
        window.failures = 0;
        self.remove_if_idle(key);
    }

    fn fail(&mut self, key: &K, permit: OwnedSemaphorePermit) {
        let window = self.by_key.get_mut(key);
        let Some(window) = window.filter(|it| Arc::ptr_eq(&it.free, permit.semaphore())) else {
            return;
        };
        permit.forget();
        window.failures += 1;
        if window.is_used_up() {
            window.free.close();
        }
        if window.failures == 1 {
            window.began_at = self.now;
            self.failing.push_back(key.clone());
        }
    }

    /// Whoever has a place or waits for one has the semaphore too.
    fn remove_if_idle(&mut self, key: &K) {
        let window = self.by_key.get(key);
        if window.is_some_and(|it| it.failures == 0 && Arc::strong_count(&it.free) == 1) {
            self.by_key.remove(key);
        }
    }
}

impl Window {
    fn is_used_up(&self) -> bool {
        self.failures >= self.limit
    }
}

/// A place of an attempt that is not decided yet. Dropped, it is free again: the attempt succeeded, the server failed
/// it, or its caller went away and gets no answer.
pub(crate) struct Place<'a, K: Clone + Eq + Hash> {
    // Before the visit, so that a window without attempts is seen to have none.
    permit: OwnedSemaphorePermit,
    visit: Visit<'a, K>,
}

impl<K: Clone + Eq + Hash> Place<'_, K> {
    /// Uses the place up: the attempt failed.
    pub(crate) fn fail(self) {
        let Self { permit, visit } = self;
        visit.places.windows().fail(&visit.key, permit);
    }
}

impl<'a, K: Clone + Eq + Hash> Place<'a, K> {
    /// Uses the place up unless it is given back: for an attempt that costs something whatever becomes of its caller.
    pub(crate) fn spend(self) -> SpentPlace<'a, K> {
        SpentPlace(Some(self))
    }
}

/// A place that is used up when it is dropped.
#[must_use]
pub(crate) struct SpentPlace<'a, K: Clone + Eq + Hash>(Option<Place<'a, K>>);

impl<K: Clone + Eq + Hash> SpentPlace<'_, K> {
    pub(crate) fn give_back(mut self) {
        self.0 = None;
    }
}

impl<K: Clone + Eq + Hash> Drop for SpentPlace<'_, K> {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            place.fail();
        }
    }
}

/// Somebody who has a place of a key, or waits for one.
struct Visit<'a, K: Clone + Eq + Hash> {
    /// `None` only while it is dropped.
    free: Option<Arc<Semaphore>>,
    places: &'a Places<K>,
    key: K,
}

impl<K: Clone + Eq + Hash> Drop for Visit<'_, K> {
    fn drop(&mut self) {
        let mut windows = self.places.windows();
        // Let go of under the lock, so that the last one sees that it is.
        self.free = None;
        windows.remove_if_idle(&self.key);
    }
}

#[cfg(test)]
mod tests;
