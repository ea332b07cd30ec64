//! Owns counters and histograms that may be touched by every request: plain atomics, no lock, no look-up, no
//! allocation. What they are called, and who may see them, is known where they are shown.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts up. Its order among other memory is nobody's business, so adding is one instruction.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many by now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down: how many there are just now.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// One more; how many there were before.
    pub fn inc(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    /// One less.
    pub fn dec(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many just now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The upper ends of the buckets of every [`Histogram`], in microseconds; a last one has no end. Fine where /verify and
/// logins are, coarse up to where timeouts are.
pub const BOUNDS: [u64; 12] = [
    50, 100, 250, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

const BUCKETS: usize = BOUNDS.len() + 1;

/// How long something took, each time.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BUCKETS],
    micros: Counter,
}

/// What a [`Histogram`] held at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Distribution {
    /// How often it ended in each bucket, and in none before.
    pub buckets: [u64; BUCKETS],
    /// The sum.
    pub micros: u64,
}

impl Histogram {
    /// It took so long once more: two additions.
    pub fn observe(&self, took: Duration) {
        let micros = whole_micros(took);
        self.buckets[bucket(micros)].inc();
        self.micros.add(micros);
    }

    /// What it holds.
    pub fn read(&self) -> Distribution {
        Distribution {
            buckets: std::array::from_fn(|bucket| self.buckets[bucket].value()),
            micros: self.micros.value(),
        }
    }
}

impl Distribution {
    /// How often it was observed.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// In which bucket so many microseconds belong. From below: nearly all that is observed is in one of the first.
pub fn bucket(micros: u64) -> usize {
    let fits = BOUNDS.iter().position(|bound| micros <= *bound);
    fits.unwrap_or(BOUNDS.len())
}

/// A duration in the unit of histograms.
pub fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One memory.
#[derive(Clone, Copy, Debug)]
pub struct CacheMetrics {
    /// What is in it.
    pub name: &'static str,
    /// How many.
    pub entries: u64,
    /// About how many bytes they take, where that is what is bounded.
    pub bytes: Option<u64>,
    /// The bound: of the bytes, else of the entries.
    pub limit: u64,
    /// How often something was found there, and how often not; `None` where that says nothing.
    pub asked: Option<(u64, u64)>,
}

impl CacheMetrics {
    /// Of a memory whose entries are bounded, and in which nobody counts what is found.
    pub(crate) fn of_entries(name: &'static str, entries: usize, limit: u64) -> Self {
        Self {
            name,
            entries: entries as u64,
            bytes: None,
            limit,
            asked: None,
        }
    }
}

/// How often something was found in a memory.
#[derive(Debug, Default)]
pub struct HitCounter {
    /// How often something was found.
    pub hits: Counter,
    /// How often it was not.
    pub misses: Counter,
}

impl HitCounter {
    /// Hits and misses.
    pub fn read(&self) -> (u64, u64) {
        (self.hits.value(), self.misses.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_at_most_its_end() {
        let histogram = Histogram::default();
        for micros in [0, 50, 51, 5_000_000, 5_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }

        let held = histogram.read();

        assert_eq!((held.count(), held.micros), (5, 10_000_102));
        assert_eq!((held.buckets[0], held.buckets[1]), (2, 1));
        assert_eq!((held.buckets[11], held.buckets[12]), (1, 1));
        assert!(BOUNDS.is_sorted());
    }
}
