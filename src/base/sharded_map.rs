//! Owns a map in many parts, each under a lock of its own: a large batch that is put in holds a reader
//! up for no longer than one entry takes.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{PoisonError, RwLock};

/// A map that many read while few write.
#[derive(Debug)]
pub(crate) struct Shards<K, V> {
    hasher: RandomState,
    shards: Box<[RwLock<HashMap<K, V>>]>,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(RwLock::default)
                .take(Self::COUNT)
                .collect(),
        }
    }
}

impl<K, V> Shards<K, V> {
    const COUNT: usize = 256;

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len())
            .sum()
    }
}

impl<K: Eq + Hash, V: Copy> Shards<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let map = self.shard(key).read();
        map.unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .copied()
    }

    /// Puts a value in, unless there is one that is to stay.
    pub(crate) fn insert_unless(&self, key: K, value: V, stays: impl FnOnce(&V) -> bool) {
        let shard = self.shard(&key).write();
        let mut map = shard.unwrap_or_else(PoisonError::into_inner);
        if !map.get(&key).is_some_and(stays) {
            map.insert(key, value);
        }
    }

    /// Keeps what is `wanted`, and gives memory back when most of it has gone.
    pub(crate) fn retain(&self, wanted: impl Fn(&V) -> bool) {
        for shard in &self.shards {
            let mut map = shard.write().unwrap_or_else(PoisonError::into_inner);
            map.retain(|_, value| wanted(value));
            if map.capacity() / 4 > map.len() {
                let size = map.len() * 2;
                map.shrink_to(size);
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any bits of the hash will do"
    )]
    fn shard(&self, key: &K) -> &RwLock<HashMap<K, V>> {
        &self.shards[self.hasher.hash_one(key) as usize % Self::COUNT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UnixTime;

    /// Bytes that the tables of all shards take: a slot for an entry and a byte of its hash, in 8/7 times
    /// as many places as fit.
    fn bytes<K, V>(map: &Shards<K, V>) -> usize {
        let places: usize = map
            .shards
            .iter()
            .map(|shard| shard.read().unwrap().capacity() * 8 / 7)
            .sum();
        places * (size_of::<(K, V)>() + 1)
    }

    fn filled(count: u128) -> Shards<u128, UnixTime> {
        let map = Shards::default();
        for n in 0..count {
            map.insert_unless(n, UnixTime(i64::try_from(n).unwrap()), |_| false);
        }
        map
    }

    #[test]
    fn a_revoked_token_takes_less_than_100_bytes_and_gives_them_back() {
        let map = filled(100_000);
        assert_eq!(map.len(), 100_000);
        assert!(bytes(&map) < 100_000 * 100, "{}", bytes(&map));

        map.retain(|time| time.0 < 100);

        assert_eq!(map.len(), 100);
        assert!(bytes(&map) < 100_000, "{}", bytes(&map));
    }

    #[test]
    fn what_is_to_stay_stays() {
        let map = Shards::default();
        map.insert_unless("a", 2, |_| false);
        map.insert_unless("a", 1, |old| *old > 1);
        map.insert_unless("b", 1, |old| *old > 1);

        assert_eq!(
            (map.get(&"a"), map.get(&"b"), map.get(&"c")),
            (Some(2), Some(1), None)
        );
    }
}
