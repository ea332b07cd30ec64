//! Owns how small secrets are sealed for the database: AES-256-GCM under a key derived from `SECRET`, bound to a text
//! that says whose they are. Knows neither a database nor what is sealed.

use aws_lc_rs::aead::{self, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{CryptoError, derive_key};
use crate::base::secret::{Secret, random_bytes};

/// Before what is sealed, so that another way of sealing could be told from this one.
const VERSION: &str = "v1.";

/// Which secret something is sealed under.
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

/// Seals and opens.
#[derive(Debug)]
pub struct Sealer {
    current: LessSafeKey,
    previous: Option<LessSafeKey>,
}

impl Sealer {
    /// Under `secret`; opens what is sealed under `previous` too. `purpose` keeps this use of the secret apart from
    /// every other.
    pub fn new(
        secret: &Secret<String>,
        previous: Option<&Secret<String>>,
        purpose: &str,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            current: derive(secret, purpose)?,
            previous: previous.map(|it| derive(it, purpose)).transpose()?,
        })
    }

    /// Seals `plain` under `SECRET`; it opens with the same `owner` only.
    pub fn seal(&self, owner: &str, plain: &Secret<Vec<u8>>) -> Result<String, CryptoError> {
        let nonce = random_bytes::<NONCE_LEN>();
        let plain = plain.expose();
        // With room for the tag, so that no copy of the secret is left where the buffer was before.
        let mut sealed = Vec::with_capacity(plain.len() + aead::MAX_TAG_LEN);
        sealed.extend_from_slice(plain);
        self.current.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(owner),
            &mut sealed,
        )?;
        let text = [&nonce[..], &sealed].concat();
        Ok(format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(text)))
    }

    /// What was sealed for `owner`, and under what; `None` when neither secret opens it.
    pub fn open(&self, owner: &str, sealed: &str) -> Option<(Secret<Vec<u8>>, SealedUnder)> {
        let text = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(VERSION)?).ok()?;
        let (nonce, sealed) = text.split_first_chunk::<NONCE_LEN>()?;
        let open_with = |key: &LessSafeKey, under| {
            let nonce = Nonce::assume_unique_for_key(*nonce);
            Some((Secret::new(super::open(key, nonce, owner, sealed)?), under))
        };
        open_with(&self.current, SealedUnder::Secret)
            .or_else(|| open_with(self.previous.as_ref()?, SealedUnder::SecretPrevious))
    }
}

fn derive(secret: &Secret<String>, purpose: &str) -> Result<LessSafeKey, CryptoError> {
    let key: UnboundKey = derive_key(secret, purpose, &AES_256_GCM)?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_owner_and_purpose_only() {
        let (one, other) = (Secret::from("a secret"), Secret::from("another one"));
        let sealer = Sealer::new(&one, None, "codes").unwrap();
        let plain = Secret::new(b"plain".to_vec());
        let text = sealer.seal("ann", &plain).unwrap();

        assert_eq!(
            sealer.open("ann", &text),
            Some((plain.clone(), SealedUnder::Secret))
        );
        assert_eq!(sealer.open("bob", &text), None);
        let purpose = Sealer::new(&one, None, "keys").unwrap();
        assert_eq!(purpose.open("ann", &text), None);
        let later = Sealer::new(&other, Some(&one), "codes").unwrap();
        assert_eq!(
            later.open("ann", &text),
            Some((plain, SealedUnder::SecretPrevious))
        );
        assert_eq!(sealer.open("ann", &text[..text.len() - 1]), None);
        assert_eq!(sealer.open("ann", ""), None);
    }
}
