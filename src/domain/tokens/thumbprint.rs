//! Owns SHA-256 thumbprints as tokens and headers write them: of a key (RFC 7638), of a certificate (RFC 8705 §3).
//! Knows nothing of how one is computed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::{ParseError, text_traits};

/// The SHA-256 of a key or a certificate, which names it; base64url as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Takes a digest.
    pub fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// Parses 43 characters of base64url.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let sha256 = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        sha256
            .map(Self)
            .ok_or_else(|| ParseError::new("a thumbprint must be a SHA-256 in base64url"))
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

text_traits!(Thumbprint: Deserialize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_parses_what_it_prints_and_nothing_else() {
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

        assert_eq!(Thumbprint::parse(text).unwrap().to_string(), text);
        for text in ["", "AAEC", &format!("{text}="), &format!("{text}A"), "é"] {
            assert!(Thumbprint::parse(text).is_err(), "{text}");
        }
    }
}
