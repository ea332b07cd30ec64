//! Owns how audit events are chained: the hash of each covers the one before it, and a code under a key that is not in
//! the database vouches for the hash. Pure; knows no SQL.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use serde::Serialize;

use crate::domain::{Action, AuditEvent, ParseError};
use crate::json;
use crate::secret::Secret;

/// An event with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedEvent {
    /// The event.
    pub event: AuditEvent,
    /// SHA-256 over the hash of the event before, everything in this one and `key_id`, in hexadecimal.
    pub hash: String,
    /// HMAC-SHA256 of the hash.
    pub(super) mac: String,
    /// Under which key.
    pub(super) key_id: String,
}

/// A place in the chain, and the hash there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChainLink {
    /// The event there; 0: before the first one.
    pub event_id: i64,
    /// Its hash.
    pub hash: String,
}

/// `42:9f86…`.
impl fmt::Display for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.event_id, self.hash)
    }
}

impl std::str::FromStr for ChainLink {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let parsed = text.trim().split_once(':').and_then(|(id, hash)| {
            Some(Self {
                event_id: id.parse().ok()?,
                hash: hash.to_owned(),
            })
        });
        parsed.ok_or_else(|| {
            ParseError::new("write the event as a check of the trail told it: 42:9f86…")
        })
    }
}

/// Where the chain that is kept begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditChain {
    /// The last event that was removed by age.
    pub anchor: ChainLink,
    /// The last event.
    pub head: ChainLink,
    /// The lowest and the highest id that there is.
    pub ids: Option<(i64, i64)>,
}

/// The first thing about the chain that is not as the server left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainBreak {
    /// Where.
    pub event_id: i64,
    /// What is wrong there.
    pub reason: String,
}

/// The keys that vouch for events, derived from `SECRET` and `SECRET_PREVIOUS`.
pub struct AuditKeys {
    current: AuditKey,
    previous: Option<AuditKey>,
}

struct AuditKey {
    key: hmac::Key,
    key_id: String,
}

impl AuditKeys {
    /// Derives them.
    pub fn new(
        secret: &Secret<String>,
        previous: Option<&Secret<String>>,
    ) -> Result<Self, Unspecified> {
        Ok(Self {
            current: AuditKey::derive(secret)?,
            previous: previous.map(AuditKey::derive).transpose()?,
        })
    }

    /// The event as the one after `last`, which it becomes.
    pub(super) fn chain(&self, last: &mut ChainLink, event: AuditEvent) -> ChainedEvent {
        let AuditKey { key, key_id } = &self.current;
        let hash = hash(&last.hash, &event, key_id);
        *last = ChainLink {
            event_id: event.event_id,
            hash: hash.clone(),
        };
        ChainedEvent {
            event,
            mac: hex(hmac::sign(key, hash.as_bytes()).as_ref()),
            hash,
            key_id: key_id.clone(),
        }
    }

    fn find(&self, key_id: &str) -> Option<&AuditKey> {
        let mut known = std::iter::once(&self.current).chain(&self.previous);
        known.find(|key| key.key_id == key_id)
    }
}

impl fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKeys")
    }
}

impl AuditKey {
    /// HKDF-SHA256 (RFC 5869), with labels of its own.
    fn derive(secret: &Secret<String>) -> Result<Self, Unspecified> {
        let prk = Salt::new(HKDF_SHA256, b"token-server").extract(secret.expose().as_bytes());
        let key: hmac::Key = prk
            .expand(&[b"audit events, HMAC-SHA256, v1"], hmac::HMAC_SHA256)?
            .into();
        // A name by which it is known again, and which tells nothing of it.
        let name = hmac::sign(&key, b"key id");
        Ok(Self {
            key_id: hex(name.as_ref().get(..8).unwrap_or_default()),
            key,
        })
    }

    fn vouches_for(&self, row: &ChainedEvent) -> bool {
        from_hex(&row.mac)
            .is_some_and(|mac| hmac::verify(&self.key, row.hash.as_bytes(), &mac).is_ok())
    }
}

/// Walks the chain from its anchor to its head, and stops at the first break.
#[derive(Debug)]
pub struct ChainWalk<'a> {
    keys: &'a AuditKeys,
    chain: AuditChain,
    last: ChainLink,
    /// Whether an event says that what is before the anchor was removed by age.
    anchored: bool,
    /// The first event since the last one that a known key vouches for.
    unvouched: Option<i64>,
}

impl<'a> ChainWalk<'a> {
    /// Begins after the anchor.
    pub fn new(keys: &'a AuditKeys, chain: AuditChain) -> Self {
        Self {
            keys,
            last: chain.anchor.clone(),
            anchored: chain.anchor == ChainLink::default(),
            unvouched: None,
            chain,
        }
    }

    /// Where it has come to.
    pub fn last(&self) -> &ChainLink {
        &self.last
    }

    /// Where the chain begins and ends.
    pub fn chain(&self) -> &AuditChain {
        &self.chain
    }

    /// The next event.
    pub fn step(&mut self, row: &ChainedEvent) -> Result<(), ChainBreak> {
        let expected = self.last.event_id.saturating_add(1);
        if row.event.event_id != expected {
            return Err(broken(expected, "the event is missing"));
        }
        if hash(&self.last.hash, &row.event, &row.key_id) != row.hash {
            let why = "the event, or the hash of the one before, is not what it was when this was written";
            return Err(broken(expected, why));
        }
        match self.keys.find(&row.key_id) {
            Some(key) if key.vouches_for(row) => self.unvouched = None,
            Some(_) => {
                let why = "the event was not written by this server: its code is not under SECRET";
                return Err(broken(expected, why));
            }
            // Of a SECRET from before the previous one. The next event under one that is known covers it.
            None => {
                self.unvouched.get_or_insert(expected);
            }
        }
        self.anchored |= names_anchor(&row.event, &self.chain.anchor);
        self.last = ChainLink {
            event_id: expected,
            hash: row.hash.clone(),
        };
        Ok(())
    }

    /// After the last event.
    pub fn finish(&self) -> Result<(), ChainBreak> {
        let AuditChain { anchor, head, ids } = &self.chain;
        if self.last != *head {
            let why = "the chain does not end where it should: events at its end are missing";
            return Err(broken(self.last.event_id.saturating_add(1), why));
        }
        if let Some(event_id) = self.unvouched {
            let why = "neither SECRET nor SECRET_PREVIOUS vouches for this event or a later one";
            return Err(broken(event_id, why));
        }
        if !self.anchored {
            let why = "the events before are missing, and none says that they were removed by age";
            return Err(broken(anchor.event_id.saturating_add(1), why));
        }
        let (lowest, highest) = ids.unwrap_or((i64::MAX, 0));
        if lowest <= anchor.event_id {
            let why = "the event is there, though it was removed by age";
            return Err(broken(lowest, why));
        }
        if highest > head.event_id {
            let why = "there is an event behind the end of the chain";
            return Err(broken(highest, why));
        }
        Ok(())
    }
}

/// What the event of a removal by age says of the last event that was removed.
pub(super) fn removal(anchor: &ChainLink, removed: i64) -> serde_json::Value {
    serde_json::json!({ "removed": removed, "through": anchor.event_id, "hash": anchor.hash })
}

fn names_anchor(event: &AuditEvent, anchor: &ChainLink) -> bool {
    if event.action != Action::AuditPrune.as_str() {
        return false;
    }
    let after = event.after.as_deref().unwrap_or_default();
    json::from_str(after).is_ok_and(|after: serde_json::Value| {
        after["through"] == anchor.event_id && after["hash"] == anchor.hash.as_str()
    })
}

fn broken(event_id: i64, reason: &str) -> ChainBreak {
    ChainBreak {
        event_id,
        reason: reason.to_owned(),
    }
}

/// A JSON array of everything, in a fixed order: no two events read alike.
fn hash(before: &str, event: &AuditEvent, key_id: &str) -> String {
    let all = serde_json::json!([
        before,
        event.event_id,
        event.at,
        event.actor_type,
        event.actor,
        event.source,
        event.request_id,
        event.action,
        event.target_type,
        event.target,
        event.client_id,
        event.before,
        event.after,
        key_id,
    ]);
    hex(digest(&SHA256, all.to_string().as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::UnixTime;
    use crate::domain::{NewEvent, Origin, Target};

    fn keys(secret: &str, previous: Option<&str>) -> AuditKeys {
        let previous = previous.map(Secret::from);
        AuditKeys::new(&Secret::from(secret), previous.as_ref()).unwrap()
    }

    fn write(keys: &AuditKeys, last: &mut ChainLink, count: i64) -> Vec<ChainedEvent> {
        let mut one = || {
            let new = NewEvent::new(Action::KeyCreate, Target::Audit).after("x");
            let stamp = Origin::SERVER.at(UnixTime(7));
            let event = AuditEvent::new(last.event_id + 1, stamp, new);
            keys.chain(last, event)
        };
        (0..count).map(|_| one()).collect()
    }

    fn walk(keys: &AuditKeys, rows: &[ChainedEvent], head: &ChainLink) -> Result<(), ChainBreak> {
        let chain = AuditChain {
            anchor: ChainLink::default(),
            head: head.clone(),
            ids: None,
        };
        let mut walk = ChainWalk::new(keys, chain);
        rows.iter().try_for_each(|row| walk.step(row))?;
        walk.finish()
    }

    #[test]
    fn an_event_under_a_known_secret_covers_those_under_forgotten_ones() {
        let mut head = ChainLink::default();
        let mut rows = write(&keys("a", None), &mut head, 2);
        rows.extend(write(&keys("b", Some("a")), &mut head, 2));
        assert_eq!(walk(&keys("c", Some("b")), &rows, &head), Ok(()));
        assert_eq!(
            walk(&keys("c", Some("x")), &rows, &head)
                .unwrap_err()
                .event_id,
            1
        );

        rows.extend(write(&keys("c", Some("b")), &mut head, 1));
        assert_eq!(walk(&keys("c", None), &rows, &head), Ok(()));
    }

    #[test]
    fn who_has_the_database_alone_cannot_write_a_chain_that_holds() {
        let ours = keys("a", None);
        let mut head = ChainLink::default();
        let mut rows = write(&ours, &mut head, 2);
        // All hashes are made anew under a key of their own, which goes by the name of ours or not.
        for name_of_ours in [false, true] {
            let mut forged = rows.clone();
            forged[1].event.actor = "nobody".to_owned();
            let mut head = ChainLink {
                event_id: 1,
                hash: rows[0].hash.clone(),
            };
            forged[1] = keys("theirs", None).chain(&mut head, forged[1].event.clone());
            if name_of_ours {
                forged[1].key_id.clone_from(&rows[0].key_id);
                forged[1].hash = hash(&rows[0].hash, &forged[1].event, &rows[0].key_id);
                head.hash.clone_from(&forged[1].hash);
            }
            assert_eq!(walk(&ours, &forged, &head).unwrap_err().event_id, 2);
        }
        assert_eq!(walk(&ours, &rows, &head), Ok(()));
        rows.pop();
        assert_eq!(walk(&ours, &rows, &head).unwrap_err().event_id, 2);
    }

    proptest! {
        #[test]
        fn hexadecimal_is_read_as_it_is_written(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            prop_assert_eq!(from_hex(&hex(&bytes)), Some(bytes));
            let _ = from_hex(&text);
        }
    }
}
