//! Owns the keys of one issuer at one moment: the one that signs and those that verify. A snapshot: it never
//! changes, so that using it takes no lock; who learns of other keys makes another one.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::base::secret::Secret;
use crate::domain::{Issuer, ParseError};
use crate::jwt::SigningKey;

/// The keys of one issuer at one moment.
#[derive(Debug)]
pub struct KeySet {
    pub(in crate::jwt) issuer: Issuer,
    signing: Option<Arc<SigningKey>>,
    /// From `SECRET` and `SECRET_PREVIOUS`. They verify whatever the algorithm of today is, so that changing it
    /// loses no token. That is safe: each key has one algorithm, and is found by its own name only.
    symmetric: Vec<Arc<SigningKey>>,
    pairs: Vec<Arc<SigningKey>>,
    jwks: Jwks,
}

/// The public keys as RFC 7517 §5 writes them, ready to be sent. Never a symmetric or a private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwks {
    /// The JWK set.
    pub json: String,
    /// A strong entity tag of it, quotes and all (RFC 9110 §8.8.3).
    pub etag: String,
}

impl KeySet {
    /// HS256 under `secret`; tokens under `previous` are still good, so that a secret can be
    /// changed without a token lost.
    pub fn hs256(
        issuer: Issuer,
        secret: &Secret<String>,
        previous: Option<&Secret<String>>,
    ) -> Result<Self, ParseError> {
        let mut symmetric = vec![Arc::new(SigningKey::hs256(secret)?)];
        if let Some(previous) = previous {
            symmetric.push(Arc::new(SigningKey::hs256(previous)?));
        }
        Ok(Self {
            issuer,
            signing: symmetric.first().cloned(),
            symmetric,
            pairs: Vec::new(),
            jwks: Jwks::of(&[]),
        })
    }

    /// The same symmetric keys, and these pairs that verify; signed is with `signing`, if with anything.
    #[must_use]
    pub fn with_pairs(
        &self,
        pairs: Vec<Arc<SigningKey>>,
        signing: Option<Arc<SigningKey>>,
    ) -> Self {
        Self {
            issuer: self.issuer.clone(),
            signing,
            symmetric: self.symmetric.clone(),
            jwks: Jwks::of(&pairs),
            pairs,
        }
    }

    /// Whom its tokens are from.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The key that signs, if there is one.
    pub fn signing(&self) -> Option<&Arc<SigningKey>> {
        self.signing.as_ref()
    }

    /// What is published.
    pub fn jwks(&self) -> &Jwks {
        &self.jwks
    }

    /// The key pairs, of any state.
    pub fn pairs(&self) -> &[Arc<SigningKey>] {
        &self.pairs
    }

    /// The key of this name, if it is one of ours that verifies.
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        let mut all = self.symmetric.iter().chain(&self.pairs);
        all.find(|key| key.kid.as_str() == kid).map(|key| &**key)
    }
}

/// A JWK set (RFC 7517 §5).
#[derive(Serialize, ToSchema)]
#[schema(as = JwkSet)]
pub struct PublicKeys<'a> {
    #[schema(value_type = Vec<Object>)]
    keys: Vec<&'a jsonwebtoken::jwk::Jwk>,
}

impl Jwks {
    fn of(pairs: &[Arc<SigningKey>]) -> Self {
        let keys = pairs.iter().filter_map(|key| key.jwk()).collect();
        let json = match serde_json::to_string(&PublicKeys { keys }) {
            Ok(json) => json,
            Err(error) => unreachable!("a JWK is strings: {error}"),
        };
        let hash = digest(&SHA256, json.as_bytes());
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]));
        Self { json, etag }
    }
}
