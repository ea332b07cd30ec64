//! Owns how private keys are sealed for the database: bound to the key's name and algorithm. Knows no database.

use crate::base::secret::Secret;
use crate::domain::{KeyId, KeyRecord, SigningAlg};
use crate::jwt::{KeyError, SealedUnder, Sealer, SigningKey};

/// Why a kept key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Made under another secret, or damaged, or taken from another row.
    #[error(
        "neither SECRET nor SECRET_PREVIOUS decrypts the signing key {0}: set SECRET_PREVIOUS to the previous secret, \
            or delete the key and its tokens with `token-server key delete {0}`"
    )]
    NeitherOpens(KeyId),
    /// What was sealed is not the key that its row says. Only somebody with the secret can have done that.
    #[error("the signing key {0} does not match its key id")]
    WrongKey(KeyId),
    /// It does not work as a key.
    #[error("the signing key {0} is unusable")]
    Unusable(KeyId, #[source] KeyError),
}

/// Seals and opens private keys.
#[derive(Debug)]
pub struct Sealing(Sealer);

impl Sealing {
    /// Under `secret`; opens what is sealed under `previous` too.
    pub fn new(
        secret: &Secret<String>,
        previous: Option<&Secret<String>>,
    ) -> Result<Self, KeyError> {
        let purpose = "signing keys, AES-256-GCM, v1";
        Ok(Self(Sealer::new(secret, previous, purpose)?))
    }

    /// A private key, sealed under `SECRET`.
    pub fn seal(
        &self,
        kid: &KeyId,
        alg: SigningAlg,
        private: &Secret<Vec<u8>>,
    ) -> Result<String, KeyError> {
        Ok(self.0.seal(&bound_to(kid, alg), private)?)
    }

    /// The private key of a record, and what it was sealed under.
    pub fn unseal(&self, record: &KeyRecord) -> Result<(Secret<Vec<u8>>, SealedUnder), OpenError> {
        let opened = self
            .0
            .open(&bound_to(&record.kid, record.alg), &record.sealed);
        opened.ok_or_else(|| OpenError::NeitherOpens(record.kid.clone()))
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

/// Neither part has a dot, so no two pairs read alike.
fn bound_to(kid: &KeyId, alg: SigningAlg) -> String {
    format!("{kid}.{alg}")
}
