//! Owns how private keys are sealed for the database: AES-256-GCM under a key derived from `SECRET`, bound to the
//! key's name and algorithm. Knows no database.

use aws_lc_rs::aead::{self, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{KeyError, SigningKey};
use crate::domain::{KeyId, KeyRecord, SigningAlg};
use crate::secret::{Secret, random_bytes};

/// Before what is sealed, so that another way of sealing could be told from this one.
const VERSION: &str = "v1.";

/// Which secret a key is sealed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedUnder {
    /// `SECRET`.
    Secret,
    /// `SECRET_PREVIOUS`: it is to be sealed anew.
    SecretPrevious,
}

impl SealedUnder {
    /// The setting's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "SECRET",
            Self::SecretPrevious => "SECRET_PREVIOUS",
        }
    }
}

/// Why a kept key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Made under another secret, or damaged, or taken from another row.
    #[error(
        "the signing key {0} opens neither with SECRET nor with SECRET_PREVIOUS: set SECRET_PREVIOUS to the secret \
         from before, or give up the key and the tokens under it with `token-server key delete {0}`"
    )]
    NeitherOpens(KeyId),
    /// What was sealed is not the key that its row says. Only somebody with the secret can have done that.
    #[error("the signing key {0} is not the key that its name says")]
    WrongKey(KeyId),
    /// It does not work as a key.
    #[error("the signing key {0} cannot be used")]
    Unusable(KeyId, #[source] KeyError),
}

/// Seals and opens private keys.
#[derive(Debug)]
pub struct Sealing {
    current: LessSafeKey,
    previous: Option<LessSafeKey>,
}

impl Sealing {
    /// Under `secret`; opens what is sealed under `previous` too.
    pub fn new(
        secret: &Secret<String>,
        previous: Option<&Secret<String>>,
    ) -> Result<Self, KeyError> {
        Ok(Self {
            current: derive(secret)?,
            previous: previous.map(derive).transpose()?,
        })
    }

    /// A private key, sealed under `SECRET`.
    pub fn seal(
        &self,
        kid: &KeyId,
        alg: SigningAlg,
        private: &Secret<Vec<u8>>,
    ) -> Result<String, KeyError> {
        let nonce = random_bytes::<NONCE_LEN>();
        let private = private.expose();
        // With room for the tag, so that no copy of the key is left where the buffer was before.
        let mut sealed = Vec::with_capacity(private.len() + aead::MAX_TAG_LEN);
        sealed.extend_from_slice(private);
        let bound = Aad::from(bound_to(kid, alg));
        self.current.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            bound,
            &mut sealed,
        )?;
        let text = [&nonce[..], &sealed].concat();
        Ok(format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(text)))
    }

    /// The private key of a record, and what it was sealed under.
    pub fn unseal(&self, record: &KeyRecord) -> Result<(Secret<Vec<u8>>, SealedUnder), OpenError> {
        let open = |key: &LessSafeKey| open(key, record);
        if let Some(private) = open(&self.current) {
            return Ok((private, SealedUnder::Secret));
        }
        let private = self.previous.as_ref().and_then(open);
        let private = private.ok_or_else(|| OpenError::NeitherOpens(record.kid.clone()))?;
        Ok((private, SealedUnder::SecretPrevious))
    }

    /// The key of a record. Its public part is derived from what was sealed, and never believed from the database:
    /// who can write there still cannot make a key that we trust.
    pub fn open(&self, record: &KeyRecord) -> Result<(SigningKey, SealedUnder), OpenError> {
        let (private, under) = self.unseal(record)?;
        let key = SigningKey::from_pkcs8(record.alg, &private)
            .map_err(|error| OpenError::Unusable(record.kid.clone(), error))?;
        if *key.kid() == record.kid {
            Ok((key, under))
        } else {
            Err(OpenError::WrongKey(record.kid.clone()))
        }
    }
}

/// HKDF-SHA256 (RFC 5869). `SECRET` has at least 32 bytes and also signs under HS256; the two labels keep this use
/// of it apart from every other.
fn derive(secret: &Secret<String>) -> Result<LessSafeKey, Unspecified> {
    let prk = Salt::new(HKDF_SHA256, b"token-server").extract(secret.expose().as_bytes());
    let key: UnboundKey = prk
        .expand(&[b"signing keys, AES-256-GCM, v1"], &AES_256_GCM)?
        .into();
    Ok(LessSafeKey::new(key))
}

/// Neither part has a dot, so no two pairs read alike.
fn bound_to(kid: &KeyId, alg: SigningAlg) -> String {
    format!("{kid}.{alg}")
}

fn open(key: &LessSafeKey, record: &KeyRecord) -> Option<Secret<Vec<u8>>> {
    let text = record.sealed.strip_prefix(VERSION)?;
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut opened = sealed.to_vec();
    let bound = Aad::from(bound_to(&record.kid, record.alg));
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key.open_in_place(nonce, bound, &mut opened).ok()?.len();
    opened.truncate(length);
    Some(Secret::new(opened))
}
