//! Owns the memory of tokens whose signature was checked before: a microservice sees the same token many times,
//! and the second time needs no cryptography. Judges nothing that can change: times, revocations and
//! requirements are the use case's, each time anew.

use std::sync::Arc;

use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::base::metrics::{CacheMetrics, HitCounter};
use crate::jwt::{KeySet, SignedClaims, VerifyError};

/// Verified tokens, by digest: a bearer token is a secret and not kept. Only good ones, so that nobody
/// can fill this memory with rubbish; the least used go first.
pub(crate) struct VerifiedTokens {
    tokens: Cache<[u8; 32], Arc<SignedClaims>, Bytes>,
    asked: HitCounter,
}

/// What an entry of usual size takes: a hint, not a limit.
const USUAL_BYTES: u64 = 1_024;

impl VerifiedTokens {
    /// Remembers about `size` bytes of claims.
    pub(crate) fn new(size: u64) -> Self {
        let entries = usize::try_from(size / USUAL_BYTES).unwrap_or(usize::MAX);
        Self {
            tokens: Cache::with_weighter(entries, size, Bytes),
            asked: HitCounter::default(),
        }
    }

    /// What the token says, if one of `keys` signed it. The key is looked for also when the token is
    /// remembered: it may have gone since.
    pub(crate) fn verify(
        &self,
        token: &str,
        keys: &KeySet,
    ) -> Result<Arc<SignedClaims>, VerifyError> {
        let digest = sha256(token);
        if let Some(signed) = self.tokens.get(&digest)
            && keys.find(signed.kid.as_str()).is_some()
        {
            self.asked.hits.inc();
            return Ok(signed);
        }
        self.asked.misses.inc();
        let signed = Arc::new(keys.verify_signature(token)?);
        self.tokens.insert(digest, Arc::clone(&signed));
        Ok(signed)
    }

    pub(crate) fn metrics(&self) -> CacheMetrics {
        CacheMetrics {
            name: "verified_tokens",
            entries: self.tokens.len() as u64,
            bytes: Some(self.tokens.weight()),
            limit: self.tokens.capacity(),
            asked: Some(self.asked.read()),
        }
    }
}

fn sha256(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    bytes
}

/// About how many bytes an entry takes.
#[derive(Clone)]
struct Bytes;

impl Weighter<[u8; 32], Arc<SignedClaims>> for Bytes {
    fn weight(&self, _: &[u8; 32], signed: &Arc<SignedClaims>) -> u64 {
        let claims = &signed.claims;
        let text = claims.iss.as_str().len()
            + 2 * claims.client_id.as_str().len()
            + claims.aud.to_text().len()
            + claims.scope.as_str().len()
            + claims.metadata.as_str().len()
            + signed.json.len()
            // The roots and the actors, which are in the JSON too.
            + if claims.roots.is_some() || claims.act.is_some() {
                signed.json.len()
            } else {
                0
            };
        (std::mem::size_of::<SignedClaims>() + 256 + text) as u64
    }
}
