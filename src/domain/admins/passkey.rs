//! Owns what is known of an admin's passkey. Knows nothing of how one is checked.

use crate::base::clock::UnixTime;
use crate::domain::{Name, ParseError, text_type};

/// The name of a passkey in URLs and events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PasskeyId(String);

impl PasskeyId {
    const LENGTH: usize = 16;

    /// Parses 16 base62 characters.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() == Self::LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new(
                "a passkey's id must be 16 letters and digits",
            ))
        }
    }

    /// A new one.
    pub fn random() -> Self {
        Self(crate::base::secret::random_base62(Self::LENGTH))
    }
}

text_type!(PasskeyId);

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
