//! Owns what a signing key is called, which algorithm it is for and where in its life it stands.

use crate::base::clock::UnixTime;
use crate::domain::{TokenTtl, text_type, word_enum};

/// How long others may keep our published keys, in seconds: `max-age` of the JWKS. A key that has been published
/// for longer than this is known to everybody who heeds it.
pub const JWKS_MAX_AGE: i64 = 300;

/// How much longer than its last token a retired key is kept, in seconds. A replica that is cut off from the
/// database goes on signing with the key it knows; this is how long it may.
const CUT_OFF: i64 = 3_600;

/// How long a retired key goes on verifying, in seconds.
pub const RETIRED_KEY_TTL: i64 = TokenTtl::MAX.seconds() + CUT_OFF;

/// The name of a signing key, `kid` (RFC 7515 §4.1.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

text_type!(
    KeyId,
    |text| {
        let is_good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=64).contains(&text.len()) && text.bytes().all(is_good)
    },
    "a key id must be 1 to 64 characters of base64url"
);

word_enum! {
    /// The algorithm under which tokens are signed, `alg` (RFC 7518 §3.1, RFC 8037 §3.1).
    #[derive(Hash)]
    pub enum SigningAlg, "an algorithm" {
        /// HMAC with SHA-256 under `SECRET`: who verifies could also sign.
        HS256 = "HS256",
        /// ECDSA on P-256 with SHA-256.
        ES256 = "ES256",
        /// Ed25519.
        EdDSA = "EdDSA",
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        RS256 = "RS256",
        /// RSASSA-PSS with SHA-256.
        PS256 = "PS256",
    }
}

impl SigningAlg {
    /// Whether it has a key pair, so that others can verify without being able to sign.
    pub fn is_asymmetric(self) -> bool {
        self != Self::HS256
    }
}

/// Where in its life a key pair stands; after the last of these it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published ahead, so that everybody knows it before the first token under it. Does not sign.
    Next,
    /// Signs.
    Active {
        /// Since when.
        activated_at: UnixTime,
    },
    /// Signs no more; still verifies, until the last token under it is dead.
    Retired {
        /// Since when.
        retired_at: UnixTime,
    },
}

impl KeyState {
    /// The words for all of them.
    pub const NAMES: [&'static str; 3] = ["next", "active", "retired"];

    /// The word for it, everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active { .. } => "active",
            Self::Retired { .. } => "retired",
        }
    }

    /// When the key is to be deleted; `None` while it is in use.
    pub fn verifies_until(self) -> Option<UnixTime> {
        match self {
            Self::Next | Self::Active { .. } => None,
            Self::Retired { retired_at } => Some(retired_at.plus(RETIRED_KEY_TTL)),
        }
    }
}

/// A key pair as it is kept: the private key is sealed, and the public one follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its name: the thumbprint of the public key (RFC 7638).
    pub kid: KeyId,
    /// What it signs with. A key has one algorithm for ever.
    pub alg: SigningAlg,
    /// Where in its life it stands.
    pub state: KeyState,
    /// When it was created and published.
    pub created_at: UnixTime,
    /// The private key, sealed under a key derived from `SECRET`.
    pub sealed: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_parses_what_it_prints_and_nothing_near_it() {
        for alg in SigningAlg::ALL {
            assert_eq!(SigningAlg::parse(alg.as_str()), Ok(alg));
            assert_eq!(
                serde_json::to_string(&alg).ok(),
                Some(format!("\"{alg}\"")),
                "serde and the parser agree"
            );
        }
        for bad in ["", "hs256", "EDDSA", "none", "ES384", "Ed25519", " ES256"] {
            assert!(SigningAlg::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_retired_key_outlives_the_longest_token_and_a_used_one_has_no_end() {
        let state = KeyState::Retired {
            retired_at: UnixTime(1_000),
        };
        let last_token = UnixTime(1_000 + TokenTtl::MAX.seconds());

        assert!(state.verifies_until() > Some(last_token.plus(60)));
        assert_eq!(KeyState::Next.verifies_until(), None);
        let activated_at = UnixTime(1);
        assert_eq!(KeyState::Active { activated_at }.verifies_until(), None);
    }
}
