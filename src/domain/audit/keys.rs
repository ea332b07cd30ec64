//! Owns the keys that authenticate audit events. They derive from `SECRET` and `SECRET_PREVIOUS` and never reach the
//! database. Pure; knows no SQL.

use std::fmt;

use aws_lc_rs::hmac;

use crate::base::crypto::{CryptoError, derive_key};
use crate::base::secret::Secret;
use crate::domain::AuditEvent;
use crate::domain::audit::chain::{AuditHead, ChainLink, ChainedEvent, hash};

/// The keys of `SECRET` and `SECRET_PREVIOUS`.
pub struct AuditKeys {
    current: AuditKey,
    previous: Option<AuditKey>,
}

struct AuditKey {
    key: hmac::Key,
    key_id: String,
}

/// Which key authenticates the head of the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadKey {
    /// None: there is no event yet.
    Empty,
    /// `SECRET`'s.
    Current,
    /// `SECRET_PREVIOUS`'s.
    Previous,
}

/// Whether a known key authenticates an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authenticity {
    Authentic,
    /// The key is known and the code is not that key's.
    Forged,
    UnknownKey,
}

impl AuditKeys {
    /// Derives them.
    pub fn new(
        secret: &Secret<String>,
        previous: Option<&Secret<String>>,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            current: AuditKey::derive(secret)?,
            previous: previous.map(AuditKey::derive).transpose()?,
        })
    }

    /// Chains the event to `head`, which it becomes.
    pub(crate) fn chain(&self, head: &mut AuditHead, event: AuditEvent) -> ChainedEvent {
        let AuditKey { key, key_id } = &self.current;
        let hash = hash(&head.link.hash, &event, key_id);
        let mac = hex::encode(hmac::sign(key, hash.as_bytes()));
        *head = AuditHead {
            link: ChainLink {
                event_id: event.event_id,
                hash: hash.clone(),
            },
            mac: mac.clone(),
            key_id: key_id.clone(),
        };
        ChainedEvent {
            event,
            hash,
            mac,
            key_id: key_id.clone(),
        }
    }

    pub(crate) fn authenticate(&self, hash: &str, mac: &str, key_id: &str) -> Authenticity {
        let mut known = std::iter::once(&self.current).chain(&self.previous);
        match known.find(|key| key.key_id == key_id) {
            Some(key) if key.made(mac, hash) => Authenticity::Authentic,
            Some(_) => Authenticity::Forged,
            None => Authenticity::UnknownKey,
        }
    }

    /// Whether the trail may go on after `head`. The error is for the operator: what is wrong, and what to do.
    pub fn check_head(&self, head: &AuditHead) -> Result<HeadKey, String> {
        let AuditHead { link, mac, key_id } = head;
        if *link == ChainLink::default() {
            return Ok(HeadKey::Empty);
        }
        let event_id = link.event_id;
        match self.authenticate(&link.hash, mac, key_id) {
            Authenticity::Authentic if *key_id == self.current.key_id => Ok(HeadKey::Current),
            Authenticity::Authentic => Ok(HeadKey::Previous),
            Authenticity::Forged => Err(format!(
                "its last event, {event_id}, has an authentication code that is not SECRET's: somebody changed the \
                    database. \
                    Run `token-server audit verify`, find out who did it, then run `token-server audit accept-head`"
            )),
            Authenticity::UnknownKey => Err(format!(
                "its last event, {event_id}, has the key `{}`, which is neither SECRET's nor SECRET_PREVIOUS's. Set \
                    SECRET_PREVIOUS on every replica to the secret that wrote it. If that secret is lost, or no secret \
                    of yours wrote it, run `token-server audit verify`, then `token-server audit accept-head`",
                shown(key_id)
            )),
        }
    }
}

/// A key id that stands in the database may be any text.
fn shown(key_id: &str) -> String {
    let shown = key_id.chars().filter(char::is_ascii_alphanumeric);
    shown.take(16).collect()
}

impl fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKeys")
    }
}

impl AuditKey {
    fn derive(secret: &Secret<String>) -> Result<Self, CryptoError> {
        let purpose = "audit events, HMAC-SHA256, v1";
        let key: hmac::Key = derive_key(secret, purpose, hmac::HMAC_SHA256)?;
        // Names the key and reveals nothing of it.
        let name = hmac::sign(&key, b"key id");
        Ok(Self {
            key_id: hex::encode(name.as_ref().get(..8).unwrap_or_default()),
            key,
        })
    }

    fn made(&self, mac: &str, hash: &str) -> bool {
        hex::decode(mac).is_ok_and(|mac| hmac::verify(&self.key, hash.as_bytes(), &mac).is_ok())
    }
}
