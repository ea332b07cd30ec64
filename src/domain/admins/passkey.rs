//! Owns what is known of an admin's passkey. Knows nothing of how one is checked.

use crate::base::clock::UnixTime;
use crate::domain::{Name, base62_id};

/// The name of a passkey in URLs and events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PasskeyId(String);

base62_id!(
    PasskeyId,
    16,
    "a passkey's id must be 16 letters and digits"
);

/// A passkey, without what its signatures are checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its name in URLs and events.
    pub passkey_id: PasskeyId,
    /// What its owner calls it.
    pub label: Name,
    /// When it was added.
    pub created_at: UnixTime,
    /// When somebody last logged in with it.
    pub last_used_at: Option<UnixTime>,
}
