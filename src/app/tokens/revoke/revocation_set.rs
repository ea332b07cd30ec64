//! Owns the revocations that bind, in memory: every verdict asks here and nowhere else. No database:
//! `revoke.rs` reads and writes there.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use crate::base::clock::UnixTime;
use crate::base::collections::sharded_map::Shards;
use crate::domain::{
    ClientId, Generation, Revocation, RevocationId, Revoked, RevokedToken, TokenId,
};
use crate::jwt::{AccessTokenClaims, LEEWAY, Roots};
use crate::store::TrustedTime;

/// All revocations of tokens that a verifier could still accept.
#[derive(Debug, Default)]
pub struct RevocationSet {
    clients: Shards<ClientId, OfClient>,
    /// Single tokens, of all clients together. Counted under the lock of the client: so it is never below what there is.
    tokens: AtomicUsize,
    /// Clients with a generation.
    generations: AtomicUsize,
    highest: AtomicI64,
    /// The generation below which every token is revoked.
    floor: AtomicI64,
    complete: AtomicBool,
    /// All up to this one have been read from the database.
    pub(crate) read_until: tokio::sync::Mutex<RevocationId>,
}

#[derive(Debug, Default)]
struct OfClient {
    /// All tokens below a generation.
    whole: Option<Entry>,
    /// The single tokens that are not below it.
    tokens: HashMap<TokenId, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    generation: Generation,
    expires_at: UnixTime,
}

/// Why a token counts no longer: for operators, not for whoever presents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RevokedBy {
    /// The token, or the one of its roots, that is revoked.
    jti: TokenId,
    is_root: bool,
    /// Its generation and the one that its client requires; `None`: it was revoked by itself.
    generations: Option<(Generation, Generation)>,
}

impl fmt::Display for RevokedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_root {
            "its root"
        } else {
            "the token"
        };
        match self.generations {
            None => write!(f, "{what} {} was revoked", self.jti),
            Some((has, required)) => write!(
                f,
                "{what} {} has the generation {has}, but its client requires {required}: the client's tokens were \
                    revoked, or the client was disabled or deleted",
                self.jti
            ),
        }
    }
}

impl RevocationSet {
    /// Makes a revocation bind. They may come more than once and in any order.
    pub fn insert(&self, revocation: &Revocation) {
        let id = &revocation.client_id;
        match revocation.revoked {
            Revoked::Token(token) => self.insert_token(id, token),
            Revoked::Client(generation) => self.raise(id, generation, revocation.expires_at),
        }
    }

    /// Makes the revocation of one token bind.
    pub fn insert_token(&self, id: &ClientId, token: RevokedToken) {
        let single = Entry {
            generation: token.generation,
            expires_at: token.expires_at,
        };
        self.clients.update(id, |client| {
            let is_needless = client.is_below(token.generation);
            if !is_needless && client.tokens.insert(token.jti, single).is_none() {
                self.tokens.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    /// Makes the revocation of all tokens of a client below a generation bind. The single ones below it are needless then.
    fn raise(&self, id: &ClientId, generation: Generation, expires_at: UnixTime) {
        self.highest
            .fetch_max(generation.number(), Ordering::Relaxed);
        self.clients.update(id, |client| {
            let whole = client.whole.get_or_insert_with(|| {
                self.generations.fetch_add(1, Ordering::Relaxed);
                Entry {
                    generation,
                    expires_at,
                }
            });
            whole.generation = whole.generation.max(generation);
            whole.expires_at = whole.expires_at.max(expires_at);
            let required = whole.generation;
            let dropped = client.keep(|single| single.generation >= required);
            self.tokens.fetch_sub(dropped, Ordering::Relaxed);
        });
    }

    /// Why a token is revoked, if it is: by itself, or because one of the tokens that it came from is.
    pub fn find(&self, claims: &AccessTokenClaims<'_>) -> Option<RevokedBy> {
        let itself = self.judge(&claims.client_id, claims.jti, claims.generation, false);
        itself.or_else(|| {
            let mut roots = claims.roots.iter().flat_map(Roots::iter);
            roots.find_map(|root| self.judge(&root.client, root.jti, root.generation, true))
        })
    }

    fn judge(
        &self,
        id: &ClientId,
        jti: TokenId,
        generation: Generation,
        is_root: bool,
    ) -> Option<RevokedBy> {
        let by = |generations| RevokedBy {
            jti,
            is_root,
            generations,
        };
        let floor = self.floor();
        if generation < floor {
            return Some(by(Some((generation, floor))));
        }
        let judged = self.clients.read(id, |client| match client.whole {
            Some(whole) if generation < whole.generation => {
                Some(by(Some((generation, whole.generation))))
            }
            _ => client.tokens.contains_key(&jti).then(|| by(None)),
        });
        judged.flatten()
    }

    /// The generation that tokens of a client must have, when it was raised lately.
    pub fn find_generation(&self, id: &ClientId) -> Option<Generation> {
        let whole = self.clients.read(id, |client| client.whole).flatten();
        whole.map(|whole| whole.generation)
    }

    /// The generation below which every token is revoked, whosever it is.
    pub fn floor(&self) -> Generation {
        Generation::from_number(self.floor.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// Revokes every token below a generation.
    pub fn raise_floor(&self, generation: Generation) {
        let number = generation.number();
        self.floor.fetch_max(number, Ordering::Relaxed);
        self.highest.fetch_max(number, Ordering::Relaxed);
    }

    /// Calls `each` with all revocations, and when the last token of each expires.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&ClientId, Revoked, UnixTime)) {
        self.clients.for_each(|id, client| {
            if let Some(whole) = client.whole {
                each(id, Revoked::Client(whole.generation), whole.expires_at);
            }
            for (jti, single) in &client.tokens {
                let token = RevokedToken {
                    jti: *jti,
                    generation: single.generation,
                    expires_at: single.expires_at,
                };
                each(id, Revoked::Token(token), single.expires_at);
            }
        });
    }

    /// The highest generation of a client that this replica has seen.
    pub fn highest_generation(&self) -> Generation {
        // Only generations are put in.
        Generation::from_number(self.highest.load(Ordering::Relaxed)).unwrap_or_default()
    }

    /// Whether everything in the database has been read once. Before that no token can be called good.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    pub(crate) fn set_complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Drops what no verifier accepts any more in any case.
    pub fn prune(&self, now: TrustedTime) {
        let now = now.time();
        let is_live = |expires_at: UnixTime| expires_at.plus(LEEWAY) > now;
        self.clients.retain(|client| {
            let dropped = client.keep(|single| is_live(single.expires_at));
            self.tokens.fetch_sub(dropped, Ordering::Relaxed);
            let whole = &mut client.whole;
            if whole.take_if(|it| !is_live(it.expires_at)).is_some() {
                self.generations.fetch_sub(1, Ordering::Relaxed);
            }
            client.whole.is_some() || !client.tokens.is_empty()
        });
    }

    /// How many there are: of single tokens, and of all tokens of a client below a generation.
    pub fn count(&self) -> (usize, usize) {
        let (tokens, generations) = (&self.tokens, &self.generations);
        (
            tokens.load(Ordering::Relaxed),
            generations.load(Ordering::Relaxed),
        )
    }

    /// How many single tokens of a client there are.
    pub fn count_of(&self, id: &ClientId) -> usize {
        let counted = self.clients.read(id, |client| client.tokens.len());
        counted.unwrap_or_default()
    }

    /// The clients with the most single tokens, those first.
    pub(crate) fn list_largest(&self, limit: usize) -> Vec<ClientId> {
        let mut largest: BinaryHeap<Reverse<(usize, ClientId)>> = BinaryHeap::new();
        self.clients.for_each(|id, client| {
            let count = client.tokens.len();
            let is_full = largest.len() == limit;
            if count == 0 || is_full && largest.peek().is_some_and(|it| it.0.0 >= count) {
                return;
            }
            if is_full {
                largest.pop();
            }
            largest.push(Reverse((count, id.clone())));
        });
        let sorted = largest.into_sorted_vec().into_iter();
        sorted.map(|Reverse((_, id))| id).collect()
    }
}

impl OfClient {
    fn is_below(&self, generation: Generation) -> bool {
        self.whole
            .is_some_and(|whole| generation < whole.generation)
    }

    /// Keeps the single tokens that are `wanted`; how many went.
    fn keep(&mut self, wanted: impl Fn(&Entry) -> bool) -> usize {
        let before = self.tokens.len();
        self.tokens.retain(|_, single| wanted(single));
        if self.tokens.capacity() / 4 > self.tokens.len() {
            self.tokens.shrink_to(self.tokens.len() * 2);
        }
        before - self.tokens.len()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(text: &str) -> ClientId {
        ClientId::parse(text).unwrap()
    }

    fn generation(number: i64) -> Generation {
        Generation::from_number(number).unwrap()
    }

    fn token(number: u128, of: i64) -> RevokedToken {
        RevokedToken {
            jti: TokenId::new(Uuid::from_u128(number)),
            generation: generation(of),
            expires_at: UnixTime(1_000),
        }
    }

    fn filled(set: &RevocationSet, client: &str, count: u128) {
        for number in 0..count {
            set.insert_token(&id(client), token(number, 5));
        }
    }

    #[test]
    fn a_revoked_token_takes_less_than_100_bytes_and_gives_them_back() {
        let set = RevocationSet::default();
        filled(&set, "a", 100_000);
        // A slot for an entry and a byte of its hash, in 8/7 times as many places as fit.
        let bytes = || {
            let places = set
                .clients
                .read(&id("a"), |it| it.tokens.capacity() * 8 / 7);
            places.unwrap() * (size_of::<(TokenId, Entry)>() + 1)
        };
        assert!(bytes() < 100_000 * 100, "{}", bytes());

        set.raise(&id("a"), generation(6), UnixTime(1_000));

        assert_eq!(set.count(), (0, 1));
        assert!(bytes() < 1_000, "{}", bytes());
    }

    #[test]
    fn a_higher_generation_takes_the_place_of_the_single_revocations_below_it() {
        let set = RevocationSet::default();
        set.insert_token(&id("a"), token(1, 5));
        set.insert_token(&id("a"), token(2, 6));
        set.insert_token(&id("b"), token(3, 5));
        set.insert_token(&id("b"), token(3, 5));
        assert_eq!((set.count(), set.count_of(&id("a"))), ((3, 0), 2));

        for number in [6, 4] {
            set.raise(&id("a"), generation(number), UnixTime(1_000));
            assert_eq!(set.find_generation(&id("a")), Some(generation(6)));
        }
        set.insert_token(&id("a"), token(4, 5));

        assert_eq!((set.count(), set.count_of(&id("a"))), ((2, 1), 1));
        assert_eq!(set.highest_generation(), generation(6));
        let judged = |number, of| set.judge(&id("a"), token(number, of).jti, generation(of), false);
        for (number, of) in [(1, 5), (4, 5), (9, 5), (2, 6)] {
            assert!(judged(number, of).is_some(), "{number}");
        }
        assert_eq!(judged(9, 6), None);
        assert_eq!(judged(9, 7), None);
    }

    #[test]
    fn the_largest_clients_come_first() {
        let set = RevocationSet::default();
        for (client, count) in [("a", 1), ("b", 5), ("c", 3), ("d", 4)] {
            filled(&set, client, count);
        }
        set.raise(&id("e"), generation(6), UnixTime(1_000));

        let largest = |limit| set.list_largest(limit);
        assert_eq!(largest(2), ["b", "d"].map(id));
        assert_eq!(largest(9), ["b", "d", "c", "a"].map(id));
    }
}
