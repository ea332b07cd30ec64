//! Owns the keys: the one that signs and those that still verify.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};

use crate::domain::{Issuer, KeyId, ParseError};
use crate::secret::Secret;

/// A key under which tokens are signed and verified.
#[derive(Debug)]
pub(super) struct SigningKey {
    pub(super) kid: KeyId,
    /// The algorithm, as jsonwebtoken and as a token's header write it.
    pub(super) algorithm: Algorithm,
    pub(super) alg: &'static str,
    pub(super) header: Header,
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
}

/// The keys of one issuer.
#[derive(Debug)]
pub struct KeySet {
    pub(super) issuer: Issuer,
    pub(super) active: SigningKey,
    pub(super) retired: Vec<SigningKey>,
}

impl KeySet {
    /// HS256 under `secret`; tokens under `previous` are still good, so that a secret can be
    /// changed without a token lost.
    pub fn hs256(
        issuer: Issuer,
        secret: &Secret<String>,
        previous: Option<&Secret<String>>,
    ) -> Result<Self, ParseError> {
        Ok(Self {
            issuer,
            active: SigningKey::hs256(secret)?,
            retired: previous
                .map(SigningKey::hs256)
                .into_iter()
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whom its tokens are from.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The names of its keys, the active one first.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.all().map(|key| &key.kid)
    }

    pub(super) fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.all().find(|key| key.kid.as_str() == kid)
    }

    fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.active).chain(&self.retired)
    }
}

impl SigningKey {
    fn hs256(secret: &Secret<String>) -> Result<Self, ParseError> {
        let bytes = secret.expose().as_bytes();
        let kid = symmetric_key_id(bytes)?;
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(kid.to_string());
        Ok(Self {
            kid,
            algorithm: Algorithm::HS256,
            alg: "HS256",
            header,
            encoding: EncodingKey::from_secret(bytes),
            decoding: DecodingKey::from_secret(bytes),
        })
    }
}

/// A name that every replica derives alike, that changes with the secret, and from which the
/// secret cannot be found: 72 bits of an HMAC under it.
fn symmetric_key_id(secret: &[u8]) -> Result<KeyId, ParseError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, b"token-server kid");
    KeyId::parse(&URL_SAFE_NO_PAD.encode(&tag.as_ref()[..9]))
}
