//! Owns the memory of secrets already proved, so that a client that logs in often is hashed once.
//! The plain secret is never kept: only a keyed digest of it, under a key that dies with this process.

use aws_lc_rs::{constant_time, hmac};
use moka::sync::Cache;

use crate::domain::{ClientSecret, SecretId};
use crate::secret::{Secret, random_bytes};

/// Proved secrets, at most so many; the least used go first.
pub(super) struct Proofs {
    key: hmac::Key,
    digests: Cache<SecretId, [u8; 32]>,
}

impl Proofs {
    /// Remembers nothing yet.
    pub(super) fn new(capacity: u64) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random_bytes::<32>()),
            digests: Cache::new(capacity),
        }
    }

    /// Whether `plain` was proved to be this secret, with the hash it has now.
    pub(super) fn contains(&self, secret: &ClientSecret, plain: &Secret<String>) -> bool {
        self.digests.get(&secret.secret_id).is_some_and(|digest| {
            let presented = self.digest(secret, plain);
            constant_time::verify_slices_are_equal(&digest, &presented).is_ok()
        })
    }

    /// Remembers that `plain` is this secret.
    pub(super) fn insert(&self, secret: &ClientSecret, plain: &Secret<String>) {
        self.digests
            .insert(secret.secret_id.clone(), self.digest(secret, plain));
    }

    /// Bound to the row and its hash: when either changes, the digest fits no more. The lengths of
    /// the first two keep apart what would otherwise read alike.
    fn digest(&self, secret: &ClientSecret, plain: &Secret<String>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [secret.secret_id.as_str(), &secret.secret_hash] {
            context.update(&part.len().to_le_bytes());
            context.update(part.as_bytes());
        }
        context.update(plain.expose().as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}
