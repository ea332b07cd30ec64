//! Owns the version of a client, so that of two changes the second does not undo the first unnoticed. Knows nothing of how
//! a version is transferred.

use std::fmt;

use crate::domain::{Client, ParseError, text_traits};

/// Begins at the client's first generation, so that no version of a deleted client comes again under its id. Each change of
/// the client or of its secrets adds 1, in the transaction of the change. 0: the client is not stored yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientVersion(i64);

impl ClientVersion {
    /// Takes the number of a row.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The version after the next change.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Parses the decimal number that `Display` prints, and no other text for it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        match text.parse() {
            Ok(number) if number >= 1 && Self(number).to_string() == text => Ok(Self(number)),
            Ok(_) | Err(_) => Err(ParseError::new(
                "a client version must be a number such as 1 or 27, as in an earlier response",
            )),
        }
    }
}

impl fmt::Display for ClientVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_traits!(ClientVersion: FromStr);

impl From<&Client> for ClientVersion {
    fn from(client: &Client) -> Self {
        client.version
    }
}

/// The versions of a client at which a change of it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Any version.
    #[default]
    Any,
    /// One of these.
    OneOf(Vec<ClientVersion>),
}

impl ExpectedVersion {
    /// Whether the client has an expected version.
    pub fn admits(&self, client: &Client) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&client.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_was_printed_and_nothing_else() {
        for text in ["1", "27", "9223372036854775807"] {
            assert_eq!(ClientVersion::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "01",
            "1 ",
            "*",
            "9223372036854775808",
            "é",
        ] {
            assert!(ClientVersion::parse(text).is_err(), "{text}");
        }
        assert_eq!(ClientVersion::from_number(1).next().to_string(), "2");
    }
}
