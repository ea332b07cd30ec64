//! Owns which audiences a client is, as a resource server. Knows nothing of who may write them, nor of the audiences that
//! the server keeps for itself.

use std::fmt;

use serde::Serialize;

use crate::domain::{Audience, ParseError, ensure, list_type};

/// The audiences that a client is: it may introspect the tokens for them (RFC 7662 §4). Never derived from
/// `audiences`, which say for whom its own tokens may be. Clients of one service may share an identifier. As JSON a
/// list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Identifiers(Vec<Audience>);

list_type!(Identifiers, Audience);

impl Identifiers {
    /// The most that a client has.
    pub const MAX: usize = 5;

    /// Parses identifiers separated by spaces, keeps their order and drops repetitions.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let list = Audience::parse_list(text)?;
        ensure!(
            list.len() <= Self::MAX,
            "a client can have at most {} identifiers",
            Self::MAX
        );
        Ok(Self(list))
    }

    /// Whether the client is this audience.
    pub fn contains(&self, audience: &Audience) -> bool {
        self.0.contains(audience)
    }
}

/// As [`Identifiers::parse`] reads it.
impl fmt::Display for Identifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Audience::join(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_up_to_five_identifiers_each_once() {
        let five = "https://b a https://c d:1 e";
        let parsed = Identifiers::parse(&format!(" {five}  a ")).unwrap();
        assert_eq!(parsed.to_string(), five);
        assert_eq!(parsed.len(), 5);
        assert!(parsed.contains(&Audience::parse("https://c").unwrap()));
        assert!(!parsed.contains(&Audience::parse("https://c/").unwrap()));
        assert!(Identifiers::parse("").unwrap().is_empty());
        for text in ["a b c d e f", "é", "a\u{7f}", &"x".repeat(257)] {
            assert!(Identifiers::parse(text).is_err(), "{text}");
        }
    }
}
