//! Owns when the secrets of a client end that a new one replaces.

use crate::base::clock::UnixTime;
use crate::domain::IdleExpiry;

/// When the live secrets end that a client had before a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldSecrets {
    /// Those that nothing else ends stay.
    Stay,
    /// At this time, unless a secret ends earlier.
    ExpireAt(UnixTime),
    /// Each so long after its last use.
    ExpireUnused(IdleExpiry),
}
