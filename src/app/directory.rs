//! Owns the client records in memory: a bounded read-through cache that is never wrong about a change
//! made by this process, and believed for a limited time about changes made by others.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;

use crate::clock::{Clock, UnixTime};
use crate::domain::{ClientId, ClientKeys, ClientRecord};
use crate::error::Error;
use crate::store::{Store, StoreError};

/// Client records, by `client_id`.
pub(super) struct Directory {
    entries: Cache<ClientId, Entry>,
    generations: Generations,
    ttl: i64,
}

#[derive(Clone)]
struct Entry {
    record: Arc<ClientRecord>,
    generation: u64,
    loaded_at: UnixTime,
}

impl Directory {
    /// Remembers about `size` bytes of records, each for `ttl`.
    pub(super) fn new(size: u64, ttl: Duration) -> Self {
        Self {
            entries: Cache::builder().weigher(weigh).max_capacity(size).build(),
            generations: Generations::new(),
            ttl: i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// The client's record, from memory or from the store. Callers that miss together wait for one
    /// reading. An unknown client is not remembered: an attacker could fill the memory with those.
    pub(super) async fn find(
        &self,
        id: &ClientId,
        store: &Store,
        clock: &Clock,
    ) -> Result<Option<Arc<ClientRecord>>, Error> {
        let now = clock.now();
        if let Some(entry) = self.entries.get(id).await {
            if self.is_current(id, &entry, now) {
                return Ok(Some(entry.record));
            }
            self.entries.invalidate(id).await;
        }
        loop {
            let loaded = self
                .entries
                .try_get_with_by_ref(id, self.load(id, store, now))
                .await;
            match loaded {
                // Somebody else's reading, begun before a change that is done by now: once more.
                Ok(entry) if !self.is_current(id, &entry, now) => {
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

    /// What memory has of a client, without a look into the store; and whether that may be believed still.
    pub(super) async fn peek(
        &self,
        id: &ClientId,
        now: UnixTime,
    ) -> Option<(Arc<ClientRecord>, bool)> {
        let entry = self.entries.get(id).await?;
        let is_current = self.is_current(id, &entry, now);
        Some((entry.record, is_current))
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
        clock: &Clock,
    ) -> Result<Option<Arc<ClientRecord>>, Error> {
        match self.load(id, store, clock.now()).await {
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

    async fn load(&self, id: &ClientId, store: &Store, now: UnixTime) -> Result<Entry, Missing> {
        // Read before the row is: a change that commits in between makes this entry stale.
        let generation = self.generations.current(id);
        match store.find_client(id).await {
            Ok(Some(record)) => Ok(Entry {
                record: Arc::new(record),
                generation,
                loaded_at: now,
            }),
            Ok(None) => Err(Missing::Unknown),
            Err(error) => Err(Missing::Unread(SharedError::new(error))),
        }
    }

    fn is_current(&self, id: &ClientId, entry: &Entry, now: UnixTime) -> bool {
        entry.generation == self.generations.current(id) && now.since(entry.loaded_at) < self.ttl
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
    counters: Box<[AtomicU64]>,
}

impl Generations {
    const GROUPS: usize = 1_024;

    fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            counters: std::iter::repeat_with(AtomicU64::default)
                .take(Self::GROUPS)
                .collect(),
        }
    }

    fn current(&self, id: &ClientId) -> u64 {
        self.counter(id).load(Ordering::SeqCst)
    }

    fn advance(&self, id: &ClientId) {
        self.counter(id).fetch_add(1, Ordering::SeqCst);
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any bits of the hash will do"
    )]
    fn counter(&self, id: &ClientId) -> &AtomicU64 {
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
