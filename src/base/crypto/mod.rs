//! Owns what derives from `SECRET`: keys, secrets sealed for the database, TLS session tickets.

pub(crate) mod pem;

pub(crate) mod sealer;
pub(crate) mod session_ticket;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Okm, Prk, Salt};

use crate::base::secret::Secret;

/// The cryptographic library failed, and does not say why.
pub(crate) use aws_lc_rs::error::Unspecified as CryptoError;

/// A key of the kind `algorithm`, derived from `SECRET` by HKDF-SHA256 (RFC 5869). `SECRET` has at least 32 bytes and also
/// signs under HS256: `purpose` separates each use of it from every other.
pub(crate) fn derive_key<A: KeyType, K: for<'a> From<Okm<'a, A>>>(
    secret: &Secret<String>,
    purpose: &str,
    algorithm: A,
) -> Result<K, CryptoError> {
    let (secret, purpose) = (extract(secret), [purpose.as_bytes()]);
    Ok(secret.expand(&purpose, algorithm)?.into())
}

fn extract(secret: &Secret<String>) -> Prk {
    Salt::new(HKDF_SHA256, b"token-server").extract(secret.expose().as_bytes())
}

/// What was sealed with this key, this nonce and this text beside it; else `None`.
fn open<A: AsRef<[u8]>>(key: &LessSafeKey, nonce: Nonce, aad: A, sealed: &[u8]) -> Option<Vec<u8>> {
    let mut opened = sealed.to_vec();
    let plain = key.open_in_place(nonce, Aad::from(aad), &mut opened);
    let length = plain.ok()?.len();
    opened.truncate(length);
    Some(opened)
}
