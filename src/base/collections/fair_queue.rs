//! Owns a bounded queue whose places the waiting sources share. The sources take turns, one entry each. While there is room
//! anybody may wait, and a source that waits alone may hold all places. In a full queue the source with the most entries
//! gives its newest place to a source that has fewer: so the places are shared equally by the sources that want them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

/// A queue of entries of the type `T` from sources of the type `K`. Each operation takes logarithmic time.
#[derive(Debug)]
pub(crate) struct FairQueue<K, T> {
    limit: usize,
    length: usize,
    sources: HashMap<K, Waiting<T>>,
    /// The sources by their next turn.
    turns: BTreeMap<u64, K>,
    /// The sources by their number of entries.
    by_length: BTreeSet<(usize, K)>,
    last_number: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    turn: u64,
    entries: VecDeque<(Ticket, T)>,
}

/// The number of an entry, by which it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// No place is free, and no source has more places than the newcomer's would have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct QueueFull;

impl<K: Copy + Hash + Ord, T> FairQueue<K, T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            length: 0,
            sources: HashMap::new(),
            turns: BTreeMap::new(),
            by_length: BTreeSet::new(),
            last_number: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Adds an entry. The second value is the entry that gave its place away, if one had to.
    pub(crate) fn push(&mut self, source: K, entry: T) -> Result<(Ticket, Option<T>), QueueFull> {
        let mut evicted = None;
        if self.length >= self.limit {
            evicted = Some(self.evict_for(source).ok_or(QueueFull)?);
        }
        let ticket = Ticket(self.next_number());
        self.edit(source, |entries| entries.push_back((ticket, entry)));
        Ok((ticket, evicted))
    }

    /// The next entry of the source whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let source = *self.turns.first_key_value()?.1;
        let popped = self.edit(source, VecDeque::pop_front);
        let next = self.next_number();
        if let Some(waiting) = self.sources.get_mut(&source) {
            self.turns.remove(&waiting.turn);
            waiting.turn = next;
            self.turns.insert(next, source);
        }
        popped.map(|(_, entry)| entry)
    }

    /// Removes an entry that is still there.
    pub(crate) fn remove(&mut self, source: K, ticket: Ticket) -> Option<T> {
        let removed = self.edit(source, |entries| {
            let place = entries.binary_search_by_key(&ticket, |(ticket, _)| *ticket);
            entries.remove(place.ok()?)
        });
        removed.map(|(_, entry)| entry)
    }

    /// The newest entry of the source with the most. `None` unless that source keeps at least as many as `source` then has.
    fn evict_for(&mut self, source: K) -> Option<T> {
        let (most, greediest) = *self.by_length.last()?;
        let own = self.sources.get(&source).map_or(0, |it| it.entries.len());
        if most < own + 2 {
            return None;
        }
        let evicted = self.edit(greediest, VecDeque::pop_back);
        evicted.map(|(_, entry)| entry)
    }

    /// Changes the entries of one source, and all that counts them. A new source has the last turn.
    fn edit<R>(&mut self, source: K, edit: impl FnOnce(&mut VecDeque<(Ticket, T)>) -> R) -> R {
        let turn = self.next_number();
        let waiting = self.sources.entry(source).or_insert_with(|| Waiting {
            turn,
            entries: VecDeque::new(),
        });
        let before = waiting.entries.len();
        let edited = edit(&mut waiting.entries);
        let (turn, after) = (waiting.turn, waiting.entries.len());
        self.length = self.length - before + after;
        self.by_length.remove(&(before, source));
        if after == 0 {
            self.turns.remove(&turn);
            self.sources.remove(&source);
        } else {
            self.turns.insert(turn, source);
            self.by_length.insert((after, source));
        }
        edited
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A queue in which each of these sources pushed an entry, in this order. An entry is its number.
    fn queue(limit: usize, sources: &[u8]) -> FairQueue<u8, usize> {
        let mut queue = FairQueue::new(limit);
        for (number, source) in sources.iter().enumerate() {
            assert_eq!(queue.push(*source, number).unwrap().1, None);
        }
        queue
    }

    fn drain(mut queue: FairQueue<u8, usize>) -> Vec<usize> {
        let all = std::iter::from_fn(|| queue.pop()).collect();
        assert!(queue.turns.is_empty() && queue.by_length.is_empty());
        all
    }

    #[test]
    fn sources_take_turns_and_each_keeps_its_order() {
        let queue = queue(9, &[1, 1, 1, 1, 2, 2, 3]);

        assert_eq!(drain(queue), [0, 4, 6, 1, 5, 2, 3]);
    }

    #[test]
    fn a_source_that_waits_alone_holds_all_places() {
        let mut queue = queue(3, &[1, 1, 1]);

        assert_eq!(queue.push(1, 3), Err(QueueFull));
        assert_eq!(drain(queue), [0, 1, 2]);
    }

    #[test]
    fn in_a_full_queue_the_newest_entry_of_the_greediest_gives_way() {
        let mut queue = queue(5, &[1, 2, 1, 1, 2]);

        assert_eq!(queue.push(3, 5).unwrap().1, Some(3));
        // Now 1 and 2 have two each and 3 has one: another one of 3 would have more than it takes from.
        assert_eq!(queue.push(3, 6), Err(QueueFull));
        assert_eq!(queue.push(1, 6), Err(QueueFull));
        assert_eq!(queue.push(4, 6).unwrap().1, Some(4));
        assert_eq!(drain(queue), [0, 1, 5, 6, 2]);
    }

    #[test]
    fn an_entry_is_removed_once() {
        let mut queue = queue(4, &[1, 2]);
        let (ticket, _) = queue.push(1, 2).unwrap();

        assert_eq!(queue.remove(1, ticket), Some(2));
        assert_eq!(queue.remove(1, ticket), None);
        assert_eq!(queue.remove(3, ticket), None);
        assert_eq!(drain(queue), [0, 1]);
    }

    proptest! {
        #[test]
        fn no_source_is_refused_while_another_has_two_places_more(
            sources in proptest::collection::vec(0_u8..6, 0..80), limit in 1_usize..12,
        ) {
            let mut queue = FairQueue::new(limit);
            let count = |queue: &FairQueue<u8, ()>, source: &u8| {
                queue.sources.get(source).map_or(0, |it| it.entries.len())
            };
            for source in sources {
                let refused = queue.push(source, ()).is_err();
                let most = (0..6).map(|it| count(&queue, &it)).max().unwrap_or_default();
                prop_assert!(queue.len() <= limit);
                prop_assert_eq!(queue.len(), (0..6).map(|it| count(&queue, &it)).sum::<usize>());
                prop_assert!(!refused || count(&queue, &source) + 1 >= most);
            }
        }
    }
}
