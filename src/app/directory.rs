//! Owns the client records in memory: a bounded read-through cache that is never wrong about a change made by
//! this process, and told of those of others by the feed.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use moka::future::Cache;

use super::figures::{Asked, CacheFigures};
use crate::domain::{ClientId, ClientKeys, ClientRecord};
use crate::error::Error;
use crate::store::{Store, StoreError};

/// Client records, by `client_id`.
pub(super) struct Directory {
    entries: Cache<ClientId, Entry>,
    generations: Generations,
    asked: Asked,
}

#[derive(Clone)]
struct Entry {
    record: Arc<ClientRecord>,
    generation: u32,
}

impl Directory {
    /// Remembers about `size` bytes of records.
    pub(super) fn new(size: u64) -> Self {
        Self {
            entries: Cache::builder().weigher(weigh).max_capacity(size).build(),
            generations: Generations::new(),
            asked: Asked::default(),
        }
    }

    /// What memory has of a client; and whether that may be believed still.
    pub(super) async fn peek(&self, id: &ClientId) -> Option<(Arc<ClientRecord>, bool)> {
        let entry = self.entries.get(id).await?;
        let is_current = self.is_current(id, &entry);
        if is_current {
            self.asked.hits.count();
        }
        Some((entry.record, is_current))
    }

    /// The client's record, from the store if memory has none that may be believed. Callers that miss together wait
    /// for one reading. An unknown client is not remembered: an attacker could fill the memory with those.
    pub(super) async fn load(
        &self,
        id: &ClientId,
        store: &Store,
    ) -> Result<Option<Arc<ClientRecord>>, Error> {
        loop {
            let loaded = self
                .entries
                .try_get_with_by_ref(id, self.read_entry(id, store))
                .await;
            match loaded {
                // An old one, or somebody else's reading, begun before a change that is done by now: once more.
                Ok(entry) if !self.is_current(id, &entry) => {
                    self.entries.invalidate(id).await;
                }
                Ok(entry) => return Ok(Some(entry.record)),
                Err(missing) => match &*missing {
                    Missing::Unknown => return Ok(None),
                    Missing::Unread(error) => return Err(error.to_error()),
                },
            }
        }
    }

    /// Whether memory has a record of a client, however old: there is, or was, one of this id.
    pub(super) fn holds(&self, id: &ClientId) -> bool {
        self.entries.contains_key(id)
    }

    /// The client's record as the store has it now, whatever memory has.
    pub(super) async fn read(
        &self,
        id: &ClientId,
        store: &Store,
    ) -> Result<Option<Arc<ClientRecord>>, Error> {
        match self.read_entry(id, store).await {
            Ok(entry) => {
                let record = Arc::clone(&entry.record);
                self.entries.insert(id.clone(), entry).await;
                Ok(Some(record))
            }
            Err(Missing::Unknown) => {
                self.entries.invalidate(id).await;
                Ok(None)
            }
            Err(Missing::Unread(error)) => Err(error.to_error()),
        }
    }

    /// Forgets what is remembered of a client. To be called when a change is committed and before
    /// anybody is told so.
    pub(super) fn forget(&self, id: &ClientId) {
        self.generations.advance(id);
    }

    /// Forgets what is remembered of all clients.
    pub(super) fn forget_all(&self) {
        self.generations.advance_all();
    }

    /// A hit is a record that memory had, a miss a reading of the store.
    pub(super) async fn figures(&self) -> CacheFigures {
        // It counts late what was put in.
        self.entries.run_pending_tasks().await;
        CacheFigures {
            name: "clients",
            entries: self.entries.entry_count(),
            bytes: Some(self.entries.weighted_size()),
            limit: self.entries.policy().max_capacity().unwrap_or(u64::MAX),
            asked: Some(self.asked.read()),
        }
    }

    async fn read_entry(&self, id: &ClientId, store: &Store) -> Result<Entry, Missing> {
        self.asked.misses.count();
        // Read before the row is: a change that commits in between makes this entry stale.
        let generation = self.generations.current(id);
        match store.find_client(id).await {
            Ok(Some(record)) => Ok(Entry {
                record: Arc::new(record),
                generation,
            }),
            Ok(None) => Err(Missing::Unknown),
            Err(error) => Err(Missing::Unread(SharedError::new(error))),
        }
    }

    fn is_current(&self, id: &ClientId, entry: &Entry) -> bool {
        entry.generation == self.generations.current(id)
    }
}

/// Why there is no entry. Shared among all who waited for the reading.
enum Missing {
    Unknown,
    Unread(SharedError),
}

/// What every waiter needs of one failed reading.
struct SharedError {
    unavailable: bool,
    message: String,
}

impl SharedError {
    fn new(error: StoreError) -> Self {
        let unavailable = matches!(error, StoreError::Unavailable(_));
        Self {
            unavailable,
            message: format!("{:#}", anyhow::Error::from(error)),
        }
    }

    fn to_error(&self) -> Error {
        let cause = anyhow::anyhow!("{}", self.message);
        if self.unavailable {
            Error::temporarily_unavailable("the database does not answer; try again shortly")
                .because(cause)
        } else {
            Error::internal(cause)
        }
    }
}

/// A counter of changes for each of many groups of clients. An entry is good while its group's counter
/// stands where it stood before the entry was read. That needs no lock and no order between the one
/// who changes and the one who reads; the price is that a change makes its whole group be read again.
struct Generations {
    hasher: RandomState,
    counters: Box<[AtomicU32]>,
}

impl Generations {
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
fn weigh(id: &ClientId, entry: &Entry) -> u32 {
    let client = &entry.record.client;
    let text = 2 * id.as_str().len()
        + client.name.as_str().len()
        + client.description.as_str().len()
        + client.scopes.as_str().len()
        + client
            .audiences
            .iter()
            .map(|a| a.as_str().len() + 24)
            .sum::<usize>()
        + client.metadata.as_str().len()
        // The text, and as much again for the keys read from it.
        + match &client.authentication.keys {
            Some(ClientKeys::Inline(set)) => 2 * set.as_str().len(),
            Some(ClientKeys::Uri(uri)) => 2 * uri.as_str().len(),
            None => 0,
        };
    let fixed = std::mem::size_of::<ClientRecord>() + 256;
    u32::try_from(fixed + text + entry.record.secrets.len() * 320).unwrap_or(u32::MAX)
}
