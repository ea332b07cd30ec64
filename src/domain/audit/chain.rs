//! Owns the chain of audit events: the hash of each covers the one before it, and a code under a key that is not in
//! the database authenticates the hash. Pure; knows no SQL.

use std::fmt;
use utoipa::ToSchema;

use aws_lc_rs::digest::{SHA256, digest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::base::json;
use crate::domain::{Action, AuditEvent, NewEvent, ParseError, Target};

/// An event with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedEvent {
    /// The event.
    pub event: AuditEvent,
    /// SHA-256 over the hash of the event before, everything in this one and `key_id`, in hexadecimal.
    pub hash: String,
    /// HMAC-SHA256 of the hash.
    pub(crate) mac: String,
    /// Under which key.
    pub(crate) key_id: String,
}

/// A position in the chain, and its hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditLink)]
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
            ParseError::new(
                "write the event as `audit verify` prints it: its number, a colon and its hash",
            )
        })
    }
}

/// The last event of the trail, with the code that authenticates it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditHead {
    /// The event.
    pub link: ChainLink,
    /// HMAC-SHA256 of its hash.
    pub(crate) mac: String,
    /// Under which key.
    pub(crate) key_id: String,
}

/// Where the chain begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditChain {
    /// The last event that was removed by age.
    pub anchor: ChainLink,
    /// The last event.
    pub head: ChainLink,
    /// The lowest and the highest id that there is.
    pub ids: Option<(i64, i64)>,
}

/// The first event at which the chain does not verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditBreak)]
pub struct ChainBreak {
    /// The ID of the event.
    pub event_id: i64,
    /// The problem.
    pub reason: String,
}

impl ChainBreak {
    pub(crate) fn new(event_id: i64, reason: &str) -> Self {
        Self {
            event_id,
            reason: reason.to_owned(),
        }
    }
}

/// What `audit.prune` says: the events up to this one were removed by age.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Removal {
    pub removed: u64,
    pub through: i64,
    pub hash: String,
}

/// What `audit.key_change` says: the event before is this one, under this key, and it is authentic.
#[derive(Debug, Serialize, Deserialize)]
struct KeyChange {
    key_id: String,
    through: i64,
    hash: String,
}

/// What `audit.accept_head` says: an operator accepted the trail up to the event before, which is this one, under this
/// key, although not all of it can be verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    pub(crate) key_id: String,
    /// The event before.
    pub(crate) through: i64,
    pub(crate) hash: String,
    /// Where the chain of hashes was broken then. What is from there to `through` cannot be checked at all; what is
    /// before, and without a break all of it, has to be as it was then.
    pub(crate) broken_at: Option<i64>,
    /// The last event that had been removed by age.
    pub(crate) anchor_id: i64,
    pub(crate) anchor_hash: String,
}

impl AuditHead {
    /// The event that names this head as the last one under its key, to be written under another.
    pub(crate) fn key_change(&self) -> NewEvent {
        NewEvent::new(Action::AuditKeyChange, Target::Audit).after(KeyChange {
            key_id: self.key_id.clone(),
            through: self.link.event_id,
            hash: self.link.hash.clone(),
        })
    }

    /// The event by which an operator accepts this head.
    pub(crate) fn acceptance(&self, broken_at: Option<i64>, anchor: &ChainLink) -> NewEvent {
        NewEvent::new(Action::AuditAcceptHead, Target::Audit).after(Acceptance {
            key_id: self.key_id.clone(),
            through: self.link.event_id,
            hash: self.link.hash.clone(),
            broken_at,
            anchor_id: anchor.event_id,
            anchor_hash: anchor.hash.clone(),
        })
    }
}

impl Acceptance {
    /// Reads the event, if it is such a one.
    pub fn read(event: &AuditEvent) -> Option<Self> {
        read(event, Action::AuditAcceptHead)
    }
}

/// Whether the event names `last`, under `key_id`, as the one before.
pub(crate) fn names_last(event: &AuditEvent, last: &ChainLink, key_id: &str) -> bool {
    let named = read::<KeyChange>(event, Action::AuditKeyChange)
        .map(|it| (it.key_id, it.through, it.hash))
        .or_else(|| Acceptance::read(event).map(|it| (it.key_id, it.through, it.hash)));
    named.is_some_and(|(key, through, hash)| {
        key == key_id && through == last.event_id && hash == last.hash
    })
}

/// Whether the event says that what is up to `anchor` is missing by right.
pub(crate) fn names_anchor(event: &AuditEvent, anchor: &ChainLink) -> bool {
    let named = read::<Removal>(event, Action::AuditPrune)
        .map(|it| (it.through, it.hash))
        .or_else(|| Acceptance::read(event).map(|it| (it.anchor_id, it.anchor_hash)));
    named.is_some_and(|(through, hash)| through == anchor.event_id && hash == anchor.hash)
}

fn read<T: DeserializeOwned>(event: &AuditEvent, action: Action) -> Option<T> {
    let after = event.after.as_deref();
    json::from_str(after.filter(|_| event.action == action.as_str())?).ok()
}

/// A JSON array of everything, in a fixed order: no two events read alike.
pub(crate) fn hash(before: &str, event: &AuditEvent, key_id: &str) -> String {
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
    hex::encode(digest(&SHA256, all.to_string().as_bytes()))
}
