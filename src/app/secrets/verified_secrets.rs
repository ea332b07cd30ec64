//! Owns the memory of secrets already proved, so that a client that logs in often is hashed once; of a secret that a
//! human chose, also the networks that proved it: only from those is it accepted before any throttle.
//! The plain secret is never kept: only a keyed digest of it, under a key that dies with this process.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;
use zeroize::Zeroizing;

use crate::base::metrics::{CacheMetrics, HitCounter};
use crate::base::secret::{Secret, random_bytes};
use crate::base::source_network::source_network;
use crate::domain::{ClientSecret, SecretId, SecretOrigin};

/// Proved secrets, at most so many; the least used go first.
pub(crate) struct VerifiedSecrets {
    key: [u8; 32],
    remembered: Cache<SecretId, Proof>,
    max_networks: usize,
    pub(crate) asked: HitCounter,
}

/// That a secret was proved, and by which hash of its row.
#[derive(Clone)]
struct Proof {
    digest: [u8; 32],
    hash: Arc<str>,
    /// The networks that proved it, the latest last; `None` for a generated secret, which is good from everywhere.
    networks: Option<Arc<[IpAddr]>>,
}

impl VerifiedSecrets {
    pub(crate) fn new(capacity: usize, max_networks: usize) -> Self {
        Self {
            key: random_bytes(),
            remembered: Cache::new(capacity),
            max_networks,
            asked: HitCounter::default(),
        }
    }

    /// Whether `plain` was proved to be this secret, with the hash it has now.
    pub(crate) fn contains(&self, secret: &ClientSecret, plain: &Secret<String>) -> bool {
        let proof = self.remembered.get(&secret.secret_id);
        proof.is_some_and(|proof| self.proves(&proof, secret, plain))
    }

    /// The same for a source that may be over its limit: a chosen secret must have been proved from the source's
    /// network. From any other network nothing here depends on what `plain` is, neither the answer nor its time.
    pub(crate) fn contains_from(
        &self,
        secret: &ClientSecret,
        plain: &Secret<String>,
        source: IpAddr,
    ) -> bool {
        self.remembered.get(&secret.secret_id).is_some_and(|proof| {
            proof
                .networks
                .as_ref()
                .is_none_or(|networks| networks.contains(&source_network(source)))
                && self.proves(&proof, secret, plain)
        })
    }

    /// Remembers that `plain` is this secret, and that `source` proved it.
    pub(crate) fn insert(&self, secret: &ClientSecret, plain: &Secret<String>, source: IpAddr) {
        let digest = self.digest(&secret.secret_id, plain);
        let networks = (secret.origin == SecretOrigin::Chosen).then(|| {
            let before = self.remembered.get(&secret.secret_id);
            let before = before.filter(|proof| proof.digest == digest);
            let before = before.and_then(|proof| proof.networks).unwrap_or_default();
            self.with_network(&before, source_network(source))
        });
        let proof = Proof {
            digest,
            hash: secret.secret_hash.as_str().into(),
            networks,
        };
        self.remembered.insert(secret.secret_id.clone(), proof);
    }

    fn with_network(&self, before: &[IpAddr], network: IpAddr) -> Arc<[IpAddr]> {
        let others = before.iter().copied().filter(|it| *it != network);
        let all: Vec<IpAddr> = others.chain([network]).collect();
        let first = all.len().saturating_sub(self.max_networks);
        all[first..].into()
    }

    fn proves(&self, proof: &Proof, secret: &ClientSecret, plain: &Secret<String>) -> bool {
        let presented = self.digest(&secret.secret_id, plain);
        *proof.hash == *secret.secret_hash
            && constant_time::verify_slices_are_equal(&proof.digest, &presented).is_ok()
    }

    pub(crate) fn metrics(&self) -> CacheMetrics {
        CacheMetrics {
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
