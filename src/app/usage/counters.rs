//! Owns what happened since the last writing, in memory: one lock of a part, no allocation for a client that was seen a
//! moment ago. Knows no time: that is asked for when the counts are taken out.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::domain::{Audience, ClientId, ClientIdentity, SecretId, UsageCounts};

/// Counts by client. At most so many clients between two writings; what others do is counted under nobody's name.
pub(super) struct Counters {
    /// Quick rather than proof against chosen keys: only clients that there are come in.
    hasher: DefaultHashBuilder,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Default)]
struct Shard {
    entries: HashTable<Entry>,
    /// Of no known client, or of one more than there is room for.
    nobody: UsageCounts,
}

/// The usage of a client.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) client_id: ClientId,
    pub(super) counts: UsageCounts,
    /// From where it last proved who it is.
    pub(super) source: Option<IpAddr>,
    pub(super) secrets: Vec<SecretEntry>,
    pub(super) identities: Vec<IdentityEntry>,
    /// How often it exchanged a token for a target.
    pub(super) exchanges: Vec<(Audience, u64)>,
}

/// What it did with a secret.
#[derive(Clone)]
pub(super) struct SecretEntry {
    pub(super) secret_id: SecretId,
    pub(super) uses: u64,
    pub(super) source: IpAddr,
}

/// An identity that proved it.
#[derive(Clone)]
pub(super) struct IdentityEntry {
    pub(super) identity: ClientIdentity,
    /// The `sub` of the last token, fit to be shown.
    pub(super) subject: String,
    pub(super) source: IpAddr,
}

impl Entry {
    pub(super) fn new(client_id: ClientId) -> Self {
        Self {
            client_id,
            counts: UsageCounts::default(),
            source: None,
            secrets: Vec::new(),
            identities: Vec::new(),
            exchanges: Vec::new(),
        }
    }

    /// It proved who it is.
    pub(super) fn log_in(&mut self, secret: Option<&SecretId>, source: IpAddr) {
        self.source = Some(source);
        let Some(secret_id) = secret else { return };
        let mut secrets = self.secrets.iter_mut();
        if let Some(known) = secrets.find(|known| known.secret_id == *secret_id) {
            known.uses += 1;
            known.source = source;
        } else {
            self.secrets.push(SecretEntry {
                secret_id: secret_id.clone(),
                uses: 1,
                source,
            });
        }
    }

    /// One of its identities proved who it is, by a token with this `sub`, fit to be shown.
    pub(super) fn use_identity(
        &mut self,
        identity: &ClientIdentity,
        subject: String,
        source: IpAddr,
    ) {
        let mut identities = self.identities.iter_mut();
        if let Some(known) = identities.find(|known| known.identity == *identity) {
            known.subject = subject;
            known.source = source;
        } else {
            self.identities.push(IdentityEntry {
                identity: identity.clone(),
                subject,
                source,
            });
        }
    }

    /// It exchanged a token.
    pub(super) fn exchange(&mut self, target: &Audience) {
        let mut known = self.exchanges.iter_mut();
        match known.find(|(theirs, _)| theirs == target) {
            Some((_, count)) => *count += 1,
            None => self.exchanges.push((target.clone(), 1)),
        }
    }

    fn is_idle(&self) -> bool {
        let has_exchanged = self.exchanges.iter().any(|(_, count)| *count > 0);
        self.counts == UsageCounts::default() && self.source.is_none() && !has_exchanged
    }

    fn forget(&mut self) {
        self.counts = UsageCounts::default();
        self.source = None;
        self.secrets.retain_mut(|secret| {
            let used = secret.uses > 0;
            secret.uses = 0;
            used
        });
        self.identities.clear();
        self.exchanges
            .retain_mut(|(_, count)| std::mem::take(count) > 0);
    }
}

impl Counters {
    const SHARDS: usize = 256;
    /// In one shard: 131,072 clients in all, some 30 MB.
    const CAPACITY: usize = 512;

    pub(super) fn new() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            shards: std::iter::repeat_with(Mutex::default)
                .take(Self::SHARDS)
                .collect(),
        }
    }

    /// Notes something of a known client.
    pub(super) fn note(&self, id: &ClientId, what: impl FnOnce(&mut Entry)) {
        let hash = self.hasher.hash_one(id);
        let mut shard = self.shard(hash);
        if let Some(entry) = shard.entries.find_mut(hash, |entry| entry.client_id == *id) {
            what(entry);
            return;
        }
        let mut entry = Entry::new(id.clone());
        what(&mut entry);
        if shard.entries.len() < Self::CAPACITY {
            let rehash = |entry: &Entry| self.hasher.hash_one(&entry.client_id);
            shard.entries.insert_unique(hash, entry, rehash);
        } else {
            shard.nobody.add(entry.counts);
        }
    }

    /// Notes a refusal in nobody's name: an invented one must take no memory.
    pub(super) fn note_nobody_refused(&self) {
        self.shard(0).nobody.refused += 1;
    }

    /// Takes out all that was counted: of each client, and of nobody.
    pub(super) fn take(&self) -> (Vec<Entry>, UsageCounts) {
        let mut taken = Vec::new();
        let mut nobody = UsageCounts::default();
        for shard in &self.shards {
            let mut shard = lock(shard);
            nobody.add(std::mem::take(&mut shard.nobody));
            // Who did nothing since the last time goes; the others keep their place for the next.
            shard.entries.retain(|entry| {
                let was_active = !entry.is_idle();
                if was_active {
                    let mut active = entry.clone();
                    active.secrets.retain(|secret| secret.uses > 0);
                    active.exchanges.retain(|(_, count)| *count > 0);
                    taken.push(active);
                    entry.forget();
                }
                was_active
            });
            if shard.entries.is_empty() {
                shard.entries = HashTable::new();
            }
        }
        (taken, nobody)
    }

    /// Other bits of the hash than the table looks at first.
    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        lock(&self.shards[(hash >> 32) as usize % Self::SHARDS])
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ClientId {
        ClientId::parse(text).unwrap()
    }

    #[test]
    fn counts_are_taken_once_and_the_idle_go() {
        let counters = Counters::new();
        let secret = SecretId::parse("AAAAAAAA").unwrap();
        let source = IpAddr::from([192, 0, 2, 1]);
        counters.note(&id("a"), |entry| entry.counts.issued += 1);
        counters.note(&id("a"), |entry| entry.log_in(Some(&secret), source));
        counters.note(&id("a"), |entry| entry.log_in(Some(&secret), source));
        counters.note(&id("b"), |entry| entry.counts.verified += 1);
        counters.note_nobody_refused();

        let (mut taken, nobody) = counters.take();
        taken.sort_by(|one, other| one.client_id.cmp(&other.client_id));
        assert_eq!((taken.len(), nobody.refused), (2, 1));
        assert_eq!((taken[0].counts.issued, taken[0].secrets[0].uses), (1, 2));
        assert_eq!((taken[1].counts.verified, taken[1].source), (1, None));
        let held = || -> usize { counters.shards.iter().map(|s| lock(s).entries.len()).sum() };
        assert_eq!(held(), 2);

        counters.note(&id("a"), |entry| entry.counts.issued += 1);
        let (taken, nobody) = counters.take();
        assert_eq!((taken.len(), taken[0].counts.issued), (1, 1));
        assert!(taken[0].secrets.is_empty());
        assert_eq!((nobody, held()), (UsageCounts::default(), 1));
    }

    #[test]
    fn more_clients_than_there_is_room_for_are_counted_together() {
        let counters = Counters::new();
        let all = 200_000;
        for n in 0..all {
            counters.note(&id(&n.to_string()), |entry| entry.counts.verified += 1);
        }

        let (taken, nobody) = counters.take();

        let room = Counters::SHARDS * Counters::CAPACITY;
        assert!(taken.len() <= room && taken.len() > room * 9 / 10);
        assert_eq!(taken.len() as u64 + nobody.verified, all);
    }
}
