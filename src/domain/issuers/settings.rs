//! Owns the values by which a trusted issuer is configured.

use std::fmt;

use serde::Serialize;

use crate::domain::{ParseError, ensure, seconds_type, text_type, word_enum};

word_enum! {
    /// Whether clients may log in with tokens of an issuer.
    pub enum IssuerStatus, "a status" {
        /// They may.
        Enabled = "enabled",
        /// They may not; the issuer and the identities stay.
        Disabled = "disabled",
    }
}

word_enum! {
    /// Whether a token of an issuer may be presented again.
    pub enum Replay, "replay" {
        /// It may not: its `jti` is used once on all replicas together.
        Once = "once",
        /// It may until it expires: platforms give a workload one token for many minutes.
        Allow = "allow",
    }
}

/// An absolute path of a file on the machine of the server, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath(String);

text_type!(
    FilePath,
    |text| text.starts_with('/') && text.len() <= 512 && !text.chars().any(char::is_control),
    "a file path must begin with `/` and have at most 512 characters"
);

/// The longest lifetime of an issuer's tokens, counted from `iat`: 60 seconds to 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct MaxLifetime(i64);

seconds_type!(
    MaxLifetime,
    60..=24 * 60 * 60,
    "the longest lifetime of an issuer's tokens must be 60 to 86400 seconds (24 hours)"
);

/// One hour.
impl Default for MaxLifetime {
    fn default() -> Self {
        Self(60 * 60)
    }
}

/// The algorithms in which an issuer may sign; never a symmetric one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct IssuerAlgorithms(Vec<&'static str>);

impl IssuerAlgorithms {
    /// All that there are (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864).
    pub const ALL: [&'static str; 10] = [
        "ES256", "ES384", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    ];

    /// Parses names separated by spaces; none: all.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        for word in &words {
            ensure!(
                Self::ALL.contains(word),
                "`{word}` is not an algorithm of an issuer; choose from {}",
                Self::ALL.join(", ")
            );
        }
        let named = Self::ALL.into_iter().filter(|alg| words.contains(alg));
        Ok(if words.is_empty() {
            Self::default()
        } else {
            Self(named.collect())
        })
    }

    /// Whether the issuer may sign in an algorithm. `EdDSA` and `Ed25519` name the same one.
    pub fn contains(&self, alg: &str) -> bool {
        let is_same = |other: &str| other == alg || (is_ed25519(other) && is_ed25519(alg));
        self.0.iter().any(|other| is_same(other))
    }
}

fn is_ed25519(alg: &str) -> bool {
    matches!(alg, "EdDSA" | "Ed25519")
}

impl Default for IssuerAlgorithms {
    fn default() -> Self {
        Self(Self::ALL.to_vec())
    }
}

/// As [`IssuerAlgorithms::parse`] reads it.
impl fmt::Display for IssuerAlgorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_symmetric_algorithm_is_one_of_an_issuer() {
        for text in ["HS256", "none", "ES256 HS512", "rs256", "ES512"] {
            assert!(IssuerAlgorithms::parse(text).is_err(), "{text}");
        }
        let two = IssuerAlgorithms::parse("RS256 ES256").unwrap();
        assert_eq!(two.to_string(), "ES256 RS256");
        assert!(two.contains("RS256") && !two.contains("PS256"));
        assert!(
            IssuerAlgorithms::parse("EdDSA")
                .unwrap()
                .contains("Ed25519")
        );
    }

    #[test]
    fn a_lifetime_is_a_day_at_most() {
        for seconds in [60, 3_600, 86_400] {
            assert!(MaxLifetime::from_seconds(seconds).is_ok());
        }
        for seconds in [i64::MIN, 0, 59, 86_401] {
            assert!(MaxLifetime::from_seconds(seconds).is_err());
        }
    }
}
