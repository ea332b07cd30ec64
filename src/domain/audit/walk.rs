//! Owns what makes a chain of audit events good. Pure; knows no SQL.
//!
//! The server appends only to a head that it has authenticated. So an authentic event vouches for all before it, with
//! one exception: a release that did not authenticate the head may have written it. Therefore events under a key that
//! is not known any more count only if the first event under the next key names the last of them: only a server that
//! had checked that one under its own key wrote such an event.

use crate::domain::audit::chain::{
    Acceptance, AuditChain, ChainBreak, ChainLink, ChainedEvent, hash, names_anchor, names_last,
};
use crate::domain::audit::keys::{AuditKeys, Authenticity};

/// Walks the chain from its anchor to its head.
#[derive(Debug)]
pub struct ChainWalk<'a> {
    keys: &'a AuditKeys,
    chain: AuditChain,
    last: ChainLink,
    /// The key of the last event; none at the beginning and after a jump.
    last_key: Option<String>,
    /// Whether an event says that what is before the anchor was removed by age.
    anchored: bool,
    /// The first event since the last one that is authentic under a known key.
    pending: Option<i64>,
    /// The first event that is not authentic. The chain of hashes may go on all the same.
    doubt: Option<ChainBreak>,
    /// What the next event has to say, since the walk jumped to it.
    jumped: Option<Acceptance>,
    accepted: Option<i64>,
}

impl<'a> ChainWalk<'a> {
    /// Begins after the anchor.
    pub fn new(keys: &'a AuditKeys, chain: AuditChain) -> Self {
        Self {
            keys,
            last: chain.anchor.clone(),
            last_key: None,
            anchored: chain.anchor == ChainLink::default(),
            pending: None,
            doubt: None,
            jumped: None,
            accepted: None,
            chain,
        }
    }

    /// The event to which it has come.
    pub fn last(&self) -> &ChainLink {
        &self.last
    }

    /// Where the chain begins and ends.
    pub fn chain(&self) -> &AuditChain {
        &self.chain
    }

    /// The last event by which an operator accepted what is before it.
    pub fn accepted(&self) -> Option<i64> {
        self.accepted
    }

    /// The next event. An error is a break of the chain of hashes, behind which only [`jump`](Self::jump) leads.
    pub fn step(&mut self, row: &ChainedEvent) -> Result<(), ChainBreak> {
        let expected = self.last.event_id.saturating_add(1);
        if row.event.event_id != expected {
            return Err(ChainBreak::new(expected, "the event is missing"));
        }
        if hash(&self.last.hash, &row.event, &row.key_id) != row.hash {
            let why = "the event, or the hash of the event before it, has changed since the server wrote it";
            return Err(ChainBreak::new(expected, why));
        }
        let acceptance = Acceptance::read(&row.event);
        if let Some(jumped) = self.jumped.take()
            && acceptance.as_ref() != Some(&jumped)
        {
            let why = "the event changed while the server read the trail";
            return Err(ChainBreak::new(expected, why));
        }
        let doubt = self.judge(row);
        match acceptance {
            // An unknown key is judged by what comes later.
            Some(it) if doubt.is_none() && names_last(&row.event, &self.last, &it.key_id) => {
                self.doubt = None;
                self.accepted = Some(expected);
            }
            _ => self.doubt = self.doubt.take().or(doubt),
        }
        self.anchored |= names_anchor(&row.event, &self.chain.anchor);
        self.last = ChainLink {
            event_id: expected,
            hash: row.hash.clone(),
        };
        self.last_key = Some(row.key_id.clone());
        Ok(())
    }

    /// Whether the event is authentic, as far as can be said so far.
    fn judge(&mut self, row: &ChainedEvent) -> Option<ChainBreak> {
        let event_id = row.event.event_id;
        let follows = self.last_key.as_deref().is_none_or(|last_key| {
            last_key == row.key_id || names_last(&row.event, &self.last, last_key)
        });
        match self.keys.authenticate(&row.hash, &row.mac, &row.key_id) {
            Authenticity::Forged => {
                let why =
                    "this server did not write the event: its authentication code is not SECRET's";
                Some(ChainBreak::new(event_id, why))
            }
            Authenticity::Authentic => {
                let first = self.pending.take().filter(|_| !follows)?;
                let why = "its key is neither SECRET's nor SECRET_PREVIOUS's, and no event under the next key names \
                    the last event under this one";
                Some(ChainBreak::new(first, why))
            }
            Authenticity::UnknownKey => {
                self.pending.get_or_insert(event_id);
                let why = "the key changes here to one that is neither SECRET's nor SECRET_PREVIOUS's, and the event \
                    does not name the last event under the previous key";
                (!follows).then(|| ChainBreak::new(event_id, why))
            }
        }
    }

    /// Goes on at the event that accepts all before it, in spite of a break there.
    pub fn jump(&mut self, acceptance: Acceptance) {
        self.last = ChainLink {
            event_id: acceptance.through,
            hash: acceptance.hash.clone(),
        };
        self.last_key = None;
        self.pending = None;
        self.jumped = Some(acceptance);
    }

    /// What is wrong with the chain of hashes at its end.
    pub fn end(&self) -> Result<(), ChainBreak> {
        if self.last == self.chain.head {
            return Ok(());
        }
        let why = "the end of the chain is missing";
        Err(ChainBreak::new(self.last.event_id.saturating_add(1), why))
    }

    /// The first thing that is wrong, where `broken` is a break behind which the walk did not go on.
    pub fn finish(self, broken: Option<ChainBreak>) -> Option<ChainBreak> {
        if self.doubt.is_some() {
            return self.doubt;
        }
        let broken = broken.or_else(|| self.end().err());
        match (broken, self.pending) {
            (Some(mut broken), Some(first)) if first < broken.event_id => {
                broken.reason +=
                    &format!("; no known key authenticates the events before it from {first} on");
                Some(broken)
            }
            (Some(broken), _) => Some(broken),
            (None, Some(first)) => {
                let why =
                    "neither SECRET nor SECRET_PREVIOUS authenticates this event or a later one";
                Some(ChainBreak::new(first, why))
            }
            (None, None) => self.outside().err(),
        }
    }

    /// What is before the anchor and behind the head.
    fn outside(&self) -> Result<(), ChainBreak> {
        let AuditChain { anchor, head, ids } = &self.chain;
        if !self.anchored {
            let why = "the events before it are missing, and no event says that the server removed them because of \
                their age";
            return Err(ChainBreak::new(anchor.event_id.saturating_add(1), why));
        }
        let (lowest, highest) = ids.unwrap_or((i64::MAX, 0));
        if lowest <= anchor.event_id {
            let why = "the event exists, although the server removed it because of its age";
            return Err(ChainBreak::new(lowest, why));
        }
        if highest > head.event_id {
            let why = "an event follows the end of the chain";
            return Err(ChainBreak::new(highest, why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UnixTime;
    use crate::base::secret::Secret;
    use crate::domain::audit::chain::AuditHead;
    use crate::domain::audit::keys::HeadKey;
    use crate::domain::{Action, AuditEvent, NewEvent, Origin, Target};

    fn keys(secret: &str, previous: Option<&str>) -> AuditKeys {
        let previous = previous.map(Secret::from);
        AuditKeys::new(&Secret::from(secret), previous.as_ref()).unwrap()
    }

    #[derive(Default)]
    struct Trail {
        head: AuditHead,
        rows: Vec<ChainedEvent>,
    }

    impl Trail {
        fn add(&mut self, keys: &AuditKeys, new: NewEvent) {
            let stamp = Origin::SERVER.at(UnixTime(7));
            let event = AuditEvent::new(self.head.link.event_id + 1, stamp, new);
            self.rows.push(keys.chain(&mut self.head, event));
        }

        /// Appends as the server does.
        fn write(&mut self, keys: &AuditKeys) {
            if keys.check_head(&self.head).unwrap() == HeadKey::Previous {
                self.add(keys, self.head.key_change());
            }
            self.add_plain(keys);
        }

        fn add_plain(&mut self, keys: &AuditKeys) {
            self.add(keys, NewEvent::new(Action::KeyCreate, Target::Audit));
        }

        fn broken_at(&self, keys: &AuditKeys) -> Option<i64> {
            let chain = AuditChain {
                anchor: ChainLink::default(),
                head: self.head.link.clone(),
                ids: None,
            };
            let mut walk = ChainWalk::new(keys, chain);
            let broken = self.rows.iter().find_map(|row| walk.step(row).err());
            walk.finish(broken).map(|broken| broken.event_id)
        }
    }

    #[test]
    fn events_under_forgotten_keys_count_where_the_next_key_names_the_last_of_them() {
        let mut trail = Trail::default();
        let (a, b, c) = (keys("a", None), keys("b", Some("a")), keys("c", Some("b")));
        trail.write(&a);
        trail.write(&a);
        trail.write(&b);
        trail.write(&c);

        for keys in [&c, &keys("c", None)] {
            assert_eq!(trail.broken_at(keys), None);
        }
        assert_eq!(trail.broken_at(&keys("x", None)), Some(1));
        assert_eq!(trail.broken_at(&a), Some(3));
    }

    #[test]
    fn replicas_that_write_in_turn_under_the_old_and_the_new_key_make_a_good_trail() {
        let (old, new) = (keys("a", Some("b")), keys("b", Some("a")));
        let mut trail = Trail::default();
        for _ in 0..3 {
            trail.write(&old);
            trail.write(&new);
        }

        for keys in [&old, &new, &keys("b", None)] {
            assert_eq!(trail.broken_at(keys), None);
        }
    }

    #[test]
    fn events_under_an_unknown_key_do_not_count_by_what_is_written_on_top_of_them() {
        let (ours, theirs) = (keys("a", None), keys("theirs", None));
        let mut trail = Trail::default();
        trail.write(&ours);
        // By a server that does not look at what it builds on.
        trail.add_plain(&theirs);
        trail.add_plain(&ours);
        assert_eq!(trail.broken_at(&ours), Some(2));

        // They name themselves.
        let mut trail = Trail::default();
        trail.write(&ours);
        trail.add(&theirs, trail.head.key_change());
        assert!(ours.check_head(&trail.head).is_err());
        trail.add_plain(&ours);
        assert_eq!(trail.broken_at(&ours), Some(2));
    }

    #[test]
    fn whoever_has_the_database_alone_cannot_accept_a_head() {
        let (ours, theirs) = (keys("a", None), keys("theirs", None));
        for takes_our_name in [false, true] {
            let mut trail = Trail::default();
            trail.write(&ours);
            trail.add_plain(&theirs);
            trail.add(&theirs, trail.head.acceptance(None, &ChainLink::default()));
            if takes_our_name {
                let ours = trail.rows[0].key_id.clone();
                let [before, row] = &mut trail.rows[1..] else {
                    panic!("three events");
                };
                row.hash = hash(&before.hash, &row.event, &ours);
                row.key_id = ours;
                trail.head.link.hash.clone_from(&row.hash);
            }
            assert_eq!(trail.broken_at(&ours), Some(2));
        }
    }
}
