//! Owns the memory of secrets already proved, so that a client that logs in often is hashed once.
//! The plain secret is never kept: only a keyed digest of it, under a key that dies with this process.

use std::sync::Arc;

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;
use zeroize::Zeroizing;

use super::figures::{Asked, CacheFigures};
use crate::domain::{ClientSecret, SecretId};
use crate::secret::{Secret, random_bytes};

/// Proved secrets, at most so many; the least used go first.
pub(super) struct Proofs {
    key: [u8; 32],
    remembered: Cache<SecretId, Proof>,
    pub(super) asked: Asked,
}

/// That a secret was proved, and by which hash of its row.
#[derive(Clone)]
struct Proof {
    digest: [u8; 32],
    hash: Arc<str>,
}

impl Proofs {
    /// Remembers nothing yet.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            key: random_bytes(),
            remembered: Cache::new(capacity),
            asked: Asked::default(),
        }
    }

    /// Whether `plain` was proved to be this secret, with the hash it has now.
    pub(super) fn contains(&self, secret: &ClientSecret, plain: &Secret<String>) -> bool {
        self.remembered.get(&secret.secret_id).is_some_and(|proof| {
            let presented = self.digest(&secret.secret_id, plain);
            *proof.hash == *secret.secret_hash
                && constant_time::verify_slices_are_equal(&proof.digest, &presented).is_ok()
        })
    }

    /// Remembers that `plain` is this secret.
    pub(super) fn insert(&self, secret: &ClientSecret, plain: &Secret<String>) {
        let proof = Proof {
            digest: self.digest(&secret.secret_id, plain),
            hash: secret.secret_hash.as_str().into(),
        };
        self.remembered.insert(secret.secret_id.clone(), proof);
    }

    pub(super) fn figures(&self) -> CacheFigures {
        CacheFigures {
            name: "proved_secrets",
            entries: self.remembered.len() as u64,
            bytes: None,
            limit: self.remembered.capacity(),
            asked: Some(self.asked.read()),
        }
    }

    /// Bound to the row: its id and the secret cannot be mistaken for those of another, since a NUL is in neither.
    ///
    /// A digest with the key before the rest, not an HMAC: what that adds is against those who see a digest and
    /// make another of it, and no digest leaves here. It costs a third.
    fn digest(&self, id: &SecretId, plain: &Secret<String>) -> [u8; 32] {
        let parts = [
            &self.key[..],
            id.as_str().as_bytes(),
            &[0],
            plain.expose().as_bytes(),
        ];
        let keyed = Zeroizing::new(parts.concat());
        let mut proof = [0; 32];
        proof.copy_from_slice(digest(&SHA256, &keyed).as_ref());
        proof
    }
}
