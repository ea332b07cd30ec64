//! Owns which `sub` of a platform's token names a client: an exact one, or everything below a segment of a SPIFFE ID.

use crate::domain::{ParseError, SpiffeId, TrustAnchor, ensure, text_type};

/// The subject that a token must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// The longest: a SPIFFE ID has as many at most.
    const MAX_LENGTH: usize = 2_048;

    /// Parses a subject. `/*` at the end of a SPIFFE ID stands for one segment or more; otherwise there are no wildcards.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        ensure!(
            (1..=Self::MAX_LENGTH).contains(&text.len()) && !text.chars().any(char::is_control),
            "a subject must be 1 to {} characters without control characters",
            Self::MAX_LENGTH
        );
        let (base, is_prefix) = match text.strip_suffix("/*") {
            Some(base) => (base, true),
            None => (text, false),
        };
        ensure!(
            !base.contains('*') && (!is_prefix || is_spiffe_path(base)),
            "a subject is compared exactly: it can have no wildcard except `/*` after a whole segment of a SPIFFE ID"
        );
        Ok(Self(text.to_owned()))
    }

    /// The SPIFFE ID whose descendants are meant.
    pub fn prefix(&self) -> Option<&str> {
        self.0.strip_suffix("/*")
    }

    /// Whether a token with this `sub` is meant; a prefix is one only in a trust domain.
    pub(in crate::domain) fn admits(&self, sub: &str, anchor: &TrustAnchor) -> bool {
        match (self.prefix(), anchor) {
            (None, _) => self.0 == sub,
            (Some(prefix), TrustAnchor::Domain(_)) => {
                SpiffeId::parse(sub).is_ok_and(|id| id.parents().any(|parent| parent == prefix))
            }
            (Some(_), TrustAnchor::Url(_)) => false,
        }
    }
}

/// Whether a text is a SPIFFE ID, or the trust domain of one.
pub(in crate::domain) fn is_spiffe_path(text: &str) -> bool {
    SpiffeId::parse(&format!("{text}/x")).is_ok()
}

text_type!(Subject);
