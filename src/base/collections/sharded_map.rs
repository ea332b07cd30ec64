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
}

impl<K: Eq + Hash, V> Shards<K, V> {
    /// What `read` makes of a value, if there is one.
    pub(crate) fn read<R>(&self, key: &K, read: impl FnOnce(&V) -> R) -> Option<R> {
        let map = self.shard(key).read();
        map.unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .map(read)
    }

    /// Calls `each` with every entry, of one part after another.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            let map = shard.read().unwrap_or_else(PoisonError::into_inner);
            for (key, value) in map.iter() {
                each(key, value);
            }
        }
    }

    /// Keeps what is `wanted`, which may change it, and gives memory back when most of it has gone.
    pub(crate) fn retain(&self, mut wanted: impl FnMut(&mut V) -> bool) {
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

impl<K: Clone + Eq + Hash, V: Default> Shards<K, V> {
    /// What `change` makes of a value, which begins as the default.
    pub(crate) fn update<R>(&self, key: &K, change: impl FnOnce(&mut V) -> R) -> R {
        let shard = self.shard(key).write();
        let mut map = shard.unwrap_or_else(PoisonError::into_inner);
        match map.get_mut(key) {
            Some(value) => change(value),
            None => change(map.entry(key.clone()).or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn len<K, V>(map: &Shards<K, V>) -> usize {
        let shards = map.shards.iter();
        shards.map(|shard| shard.read().unwrap().len()).sum()
    }

    fn capacity<K, V>(map: &Shards<K, V>) -> usize {
        let shards = map.shards.iter();
        shards.map(|shard| shard.read().unwrap().capacity()).sum()
    }

    #[test]
    fn memory_is_given_back_when_most_has_gone() {
        let map = Shards::default();
        for n in 0..100_000 {
            map.update(&n, |value| *value = n);
        }
        assert_eq!(len(&map), 100_000);

        map.retain(|n| *n < 100);

        assert_eq!(len(&map), 100);
        assert!(capacity(&map) < 10_000, "{}", capacity(&map));
    }

    #[test]
    fn a_value_begins_as_the_default_and_is_changed_in_its_place() {
        let map = Shards::default();
        assert_eq!(map.read(&"a", |value: &i32| *value), None);
        for sum in [2, 4] {
            let seen = map.update(&"a", |value| {
                *value += 2;
                *value
            });
            assert_eq!(seen, sum);
        }

        let mut all = Vec::new();
        map.for_each(|key, value| all.push((*key, *value)));
        assert_eq!(all, [("a", 4)]);
        assert_eq!(map.read(&"a", |value| *value), Some(4));
    }
}
