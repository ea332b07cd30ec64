//! Owns the client records in memory: a bounded read-through cache that is never wrong about a change made by
//! this process, and told of those of others by the feed.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::app::core::Core;
use crate::app::error::Error;
use crate::base::metrics::{CacheMetrics, HitCounter};
use crate::domain::{ClientId, ClientKeys, ClientRecord};
use crate::store::Store;

/// About what a record takes: how many the cache is prepared for.
const USUAL_SIZE: u64 = 1_024;

/// Client records, by `client_id`.
pub(crate) struct ClientCache {
    entries: Cache<ClientId, Entry, Weight>,
    readings: Mutex<HashMap<ClientId, Reading>>,
    change_counts: ChangeCounts,
    asked: HitCounter,
}

#[derive(Clone)]
struct Entry {
    record: Arc<ClientRecord>,
    change_count: u32,
}

/// A reading of the store that is under way, for all who wait for it.
type Reading = Shared<BoxFuture<'static, Result<Entry, Missing>>>;

impl ClientCache {
    /// Remembers about `size` bytes of records.
    pub(crate) fn new(size: u64) -> Self {
        let usual = usize::try_from(size / USUAL_SIZE).unwrap_or(usize::MAX);
        Self {
            entries: Cache::with_weighter(usual, size, Weight),
            readings: Mutex::default(),
            change_counts: ChangeCounts::new(),
            asked: HitCounter::default(),
        }
    }

    /// What memory has of a client; and whether that may be believed still.
    pub(crate) fn get_cached(&self, id: &ClientId) -> Option<(Arc<ClientRecord>, bool)> {
        let entry = self.entries.get(id)?;
        let is_current = self.is_current(id, &entry);
        if is_current {
            self.asked.hits.inc();
        }
        Some((entry.record, is_current))
    }

    /// The client's record, from the store if memory has none that may be believed. Callers that miss together wait
    /// for one reading. An unknown client is not remembered: an attacker could fill the memory with those.
    pub(crate) async fn get_or_load(
        &self,
        id: &ClientId,
        store: &Store,
    ) -> Result<Option<Arc<ClientRecord>>, Error> {
        loop {
            if let Some((record, true)) = self.get_cached(id) {
                return Ok(Some(record));
            }
            let loaded = self.join_reading(id, store).await;
            // It may have begun before a change that is done by now: then once more.
            if matches!(&loaded, Ok(entry) if !self.is_current(id, entry)) {
                continue;
            }
            return self.remember(id, loaded);
        }
    }

    /// The record of the client that a caller names, which may be no `client_id` at all.
    pub(crate) async fn find(
        &self,
        client_id: &str,
        core: &Core,
    ) -> Result<Option<Arc<ClientRecord>>, Error> {
        let Ok(id) = ClientId::parse(client_id) else {
            return Ok(None);
        };
        match self.get_cached(&id) {
            Some((record, true)) => Ok(Some(record)),
            Some(_) | None => self.get_or_load(&id, core.database()?).await,
        }
    }

    /// Whether memory has a record of a client, however old: there is, or was, one of this id.
    pub(crate) fn contains(&self, id: &ClientId) -> bool {
        self.entries.contains_key(id)
    }

    /// The client's record as the store has it now, whatever memory has.
    pub(crate) async fn fetch(
        &self,
        id: &ClientId,
        store: &Store,
    ) -> Result<Option<Arc<ClientRecord>>, Error> {
        let read = self.reading(id, store).await;
        self.remember(id, read)
    }

    fn remember(
        &self,
        id: &ClientId,
        read: Result<Entry, Missing>,
    ) -> Result<Option<Arc<ClientRecord>>, Error> {
        match read {
            Ok(entry) => {
                let record = Arc::clone(&entry.record);
                self.entries.insert(id.clone(), entry);
                Ok(Some(record))
            }
            Err(Missing::Unknown) => {
                self.entries.remove(id);
                Ok(None)
            }
            Err(Missing::Unread {
                is_transient,
                message,
            }) => {
                let cause = anyhow::anyhow!("{message}");
                Err(if is_transient {
                    Error::database_unavailable().with_source(cause)
                } else {
                    Error::internal(cause)
                })
            }
        }
    }

    /// The reading of a client that is under way, or a new one.
    async fn join_reading(&self, id: &ClientId, store: &Store) -> Result<Entry, Missing> {
        let reading = match self.readings().entry(id.clone()) {
            std::collections::hash_map::Entry::Occupied(theirs) => theirs.get().clone(),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(self.reading(id, store).shared()).clone()
            }
        };
        let waiting = Waiting {
            cache: self,
            id,
            reading: Some(reading.clone()),
        };
        let read = reading.await;
        drop(waiting);
        read
    }

    fn readings(&self) -> MutexGuard<'_, HashMap<ClientId, Reading>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self, id: &ClientId, store: &Store) -> BoxFuture<'static, Result<Entry, Missing>> {
        self.asked.misses.inc();
        // Looked at before the row is: a change that commits in between makes this entry stale.
        let change_count = self.change_counts.current(id);
        let (id, store) = (id.clone(), store.clone());
        async move {
            match store.find_client(&id).await {
                Ok(Some(record)) => Ok(Entry {
                    record: Arc::new(record),
                    change_count,
                }),
                Ok(None) => Err(Missing::Unknown),
                Err(error) => Err(Missing::Unread {
                    is_transient: error.is_transient(),
                    message: format!("{:#}", anyhow::Error::from(error)).into(),
                }),
            }
        }
        .boxed()
    }

    /// Forgets what is remembered of a client. To be called when a change is committed and before
    /// anybody is told so.
    pub(crate) fn forget(&self, id: &ClientId) {
        self.change_counts.advance(id);
    }

    pub(crate) fn forget_all(&self) {
        self.change_counts.advance_all();
    }

    /// A hit is a record that memory had, a miss a reading of the store.
    pub(crate) fn metrics(&self) -> CacheMetrics {
        CacheMetrics {
            name: "clients",
            entries: self.entries.len() as u64,
            bytes: Some(self.entries.weight()),
            limit: self.entries.capacity(),
            asked: Some(self.asked.read()),
        }
    }

    fn is_current(&self, id: &ClientId, entry: &Entry) -> bool {
        entry.change_count == self.change_counts.current(id)
    }
}

/// Somebody who waits for a reading. Once it is done, or nobody waits any more, it is not to be joined.
struct Waiting<'a> {
    cache: &'a ClientCache,
    id: &'a ClientId,
    reading: Option<Reading>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut readings = self.cache.readings();
        // Let go of under the lock, so that the last one sees that it is.
        let ours = self.reading.take();
        let (Some(ours), Some(there)) = (ours, readings.get(self.id)) else {
            return;
        };
        if !there.ptr_eq(&ours) {
            return;
        }
        let is_done = ours.peek().is_some();
        drop(ours);
        if is_done || there.strong_count() == Some(1) {
            readings.remove(self.id);
        }
    }
}

/// Why there is no entry. Shared among all who waited for the reading.
#[derive(Clone)]
enum Missing {
    Unknown,
    Unread {
        is_transient: bool,
        message: Arc<str>,
    },
}

/// A counter of changes for each of many groups of clients. An entry is good while its group's counter
/// stands where it stood before the entry was read. That needs no lock and no order between the one
/// who changes and the one who reads; the price is that a change makes its whole group be read again.
struct ChangeCounts {
    hasher: RandomState,
    counters: Box<[AtomicU32]>,
}

impl ChangeCounts {
    /// 256 KiB of them. Who shares a group with a client that changed just before the database was lost is not known
    /// without it, so there are many.
    const GROUPS: usize = 65_536;

    fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            counters: std::iter::repeat_with(AtomicU32::default)
                .take(Self::GROUPS)
                .collect(),
        }
    }

    fn current(&self, id: &ClientId) -> u32 {
        self.counter(id).load(Ordering::SeqCst)
    }

    fn advance(&self, id: &ClientId) {
        self.counter(id).fetch_add(1, Ordering::SeqCst);
    }

    fn advance_all(&self) {
        for counter in &self.counters {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any bits of the hash will do"
    )]
    fn counter(&self, id: &ClientId) -> &AtomicU32 {
        &self.counters[self.hasher.hash_one(id) as usize % Self::GROUPS]
    }
}

/// About how many bytes an entry takes.
#[derive(Clone)]
struct Weight;

impl Weighter<ClientId, Entry> for Weight {
    fn weight(&self, id: &ClientId, entry: &Entry) -> u64 {
        let client = &entry.record.client;
        let text = 2 * id.as_str().len()
        + client.name.as_str().len()
        + client.description.as_str().len()
        + client.scopes.as_str().len()
        + client
            .audiences
            .iter()
            .chain(client.identifiers.iter())
            .map(|a| a.as_str().len() + 24)
            .sum::<usize>()
        + client.exchange_rules.size()
        + client.metadata.as_str().len()
        // The text, and as much again for the keys read from it.
        + match &client.authentication.keys {
            Some(ClientKeys::Inline(set)) => 2 * set.as_str().len(),
            Some(ClientKeys::Uri(uri)) => 2 * uri.as_str().len(),
            None => 0,
        }
        + client.authentication.identities.size();
        let fixed = std::mem::size_of::<ClientRecord>() + 256;
        let networks = client.allowed_networks.len() * 24;
        let size = fixed + text + networks + entry.record.secrets.len() * 320;
        u64::try_from(size).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use super::*;
    use crate::base::secret::Secret;
    use crate::store::{AuditKeys, DatabaseOptions};

    /// Nobody answers there.
    fn store() -> Store {
        let options = DatabaseOptions {
            url: Secret::from("postgres://127.0.0.1:9/none"),
            url_file: None,
            password_file: None,
            create_if_missing: false,
            pool_size: 1,
            acquire_timeout: Duration::from_millis(100),
            statement_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
        };
        let keys = AuditKeys::new(&Secret::from("0123456789abcdef0123456789abcdef"), None).unwrap();
        Store::open(&options, keys).unwrap()
    }

    #[tokio::test]
    async fn a_reading_can_be_joined_while_somebody_waits_for_it() {
        let (cache, store) = (ClientCache::new(1_000_000), store());
        let id = ClientId::parse("a").unwrap();
        {
            let mut one = pin!(cache.get_or_load(&id, &store));
            let mut other = pin!(cache.get_or_load(&id, &store));
            assert!(one.as_mut().now_or_never().is_none());
            assert!(other.as_mut().now_or_never().is_none());
            assert_eq!(cache.readings().len(), 1);
        }
        assert!(cache.readings().is_empty(), "given up");

        let (one, other) = tokio::join!(
            cache.get_or_load(&id, &store),
            cache.get_or_load(&id, &store)
        );
        assert!(one.is_err() && other.is_err());
        assert!(cache.readings().is_empty(), "done");
    }
}
