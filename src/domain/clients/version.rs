//! Owns how it is told that a client is still as somebody has seen it, so that of two changes the second does not undo
//! the first unnoticed. Knows nothing of how a version travels.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{Client, ParseError, text_type};

/// What a client was at some time: another as soon as anything of it is, but for its secrets and its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientVersion(String);

/// Half of a SHA-256: it has to tell versions of one client apart, and protects nothing.
const BYTES: usize = 16;

impl ClientVersion {
    /// Parses what a version is written as.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if bytes.len() == BYTES => Ok(Self(text.to_owned())),
            Ok(_) | Err(_) => Err(ParseError::new(
                "a version is 22 characters of base64url, as an answer gave them",
            )),
        }
    }
}

impl From<&Client> for ClientVersion {
    fn from(client: &Client) -> Self {
        // Times are in seconds, and two changes may come in one: so it goes by all that the client is.
        let json = serde_json::to_vec(client).unwrap_or_default();
        let digest = digest(&SHA256, &json);
        Self(URL_SAFE_NO_PAD.encode(&digest.as_ref()[..BYTES]))
    }
}

text_type!(ClientVersion);

/// As what a client must be for a change of it to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// As anything.
    #[default]
    Any,
    /// As one of these.
    OneOf(Vec<ClientVersion>),
}

impl ExpectedVersion {
    /// Whether the client is as expected.
    pub fn admits(&self, client: &Client) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&ClientVersion::from(client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_was_printed_and_nothing_else() {
        let text = "AAECAwQFBgcICQoLDA0ODw";

        assert_eq!(ClientVersion::parse(text).unwrap().as_str(), text);
        for text in [
            "",
            "AAEC",
            "*",
            &format!("{text}A"),
            &format!("{text}=="),
            "é",
        ] {
            assert!(ClientVersion::parse(text).is_err(), "{text}");
        }
    }
}
