//! Owns the names of signing keys.

use super::{ParseError, text_type};

/// The name of a signing key, `kid` (RFC 7515 §4.1.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Parses 1 to 64 characters of base64url.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new(
                "a key id is 1 to 64 characters of base64url",
            ))
        }
    }
}

text_type!(KeyId);
