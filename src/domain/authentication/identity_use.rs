//! Owns when an identity of a client was last used, and how identities are told apart where that is kept.

use aws_lc_rs::digest::{Context, SHA256};

use crate::domain::{ClientIdentity, IssuerName, LastUsed, Subject};

/// A digest of an identity: of one length, whatever the identity asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityDigest(String);

/// The last use of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityUse {
    /// At which issuer.
    pub issuer: IssuerName,
    /// The `sub` of the token, redacted and cut: an identity by claims has many.
    pub subject: String,
    /// When and from where.
    pub last: LastUsed,
}

impl IdentityDigest {
    /// That of an identity.
    pub fn of(identity: &ClientIdentity) -> Self {
        let mut context = Context::new(&SHA256);
        // The lengths keep apart what would otherwise read alike.
        let mut add = |part: &str| {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part.as_bytes());
        };
        add(identity.issuer().as_str());
        add(identity.subject().map_or("", Subject::as_str));
        for (pointer, value) in identity.claims() {
            add(pointer.as_str());
            add(value);
        }
        Self(hex::encode(context.finish()))
    }

    /// The digest in a stored row.
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::domain::Identities;

    #[test]
    fn identities_that_differ_have_digests_that_differ() {
        let list = [
            json!({"issuer": "a", "subject": "b"}),
            json!({"issuer": "ab", "subject": "c"}),
            json!({"issuer": "a", "subject": "bc"}),
            json!({"issuer": "a", "subject": "b", "claims": {"/c": "d"}}),
            json!({"issuer": "a", "claims": {"/c": "d"}}),
            json!({"issuer": "a", "claims": {"/c": "d", "/e": "f"}}),
        ];
        let parsed = Identities::from_values(&list).unwrap();
        let digests: BTreeSet<_> = parsed.iter().map(IdentityDigest::of).collect();
        assert_eq!(digests.len(), 6);
    }
}
