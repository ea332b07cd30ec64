//! Owns the algorithms that turn a secret into a hash and compare it with one. Which hashes are
//! understood, says `hash_formats`; on which thread this runs, `hashing_lanes`.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use password_hash::PasswordVerifier;
use password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use scrypt::Scrypt;
use scrypt::mcf::PasswordHashRef as McfHash;
use subtle::ConstantTimeEq;

use crate::base::secret::{Secret, random_bytes};
use crate::config::Argon2Work;

/// A hash whose algorithm is understood and whose work is bounded: a row must not be able to stop
/// a thread for a minute or to take all memory.
pub enum SecretHash {
    /// argon2 in PHC form: what we make.
    Argon2(Box<PasswordHash>),
    /// PBKDF2 in PHC form (`$pbkdf2-sha256$i=…,l=…$…`) or as passlib writes it (`$pbkdf2-sha256$29000$…`).
    Pbkdf2(Pbkdf2Hash),
    /// scrypt in PHC form (`$scrypt$ln=…`).
    Scrypt(ScryptHash),
    /// scrypt as crypt(5) writes it (`$7$…`).
    ScryptCrypt(scrypt::Params, String),
    /// bcrypt (`$2b$…`).
    Bcrypt(String),
    /// bcrypt of a digest of the secret, as Django and passlib make it so that every byte counts.
    PrehashedBcrypt(Prehash, String),
}

/// A PBKDF2 hash (RFC 8018 §5.2).
pub struct Pbkdf2Hash {
    pub(crate) algorithm: pbkdf2::Algorithm,
    pub(crate) rounds: NonZeroU32,
    pub(crate) salt: Vec<u8>,
    pub(crate) output: Vec<u8>,
}

/// A scrypt hash (RFC 7914).
pub struct ScryptHash {
    pub(crate) params: scrypt::Params,
    pub(crate) salt: Vec<u8>,
    pub(crate) output: Vec<u8>,
}

/// What bcrypt gets in place of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prehash {
    /// SHA-256 in hex: Django's `bcrypt_sha256`.
    HexSha256,
    /// SHA-256 in base64: passlib's `bcrypt_sha256` before version 2.
    Base64Sha256,
    /// HMAC-SHA-256 under the text of bcrypt's salt, in base64: passlib's `bcrypt_sha256`, version 2.
    HmacSha256,
}

impl SecretHash {
    /// Whether this is the hash of `plain`.
    pub fn verify(&self, plain: &Secret<String>, memory: &mut Memory) -> bool {
        let plain = plain.expose().as_bytes();
        match self {
            Self::Argon2(hash) => verify_argon2(hash, plain, memory).unwrap_or(false),
            Self::PrehashedBcrypt(prehash, text) => {
                bcrypt::verify(prehash.of(plain, text), text).unwrap_or(false)
            }
            Self::Pbkdf2(hash) => hash.verify(plain) && has_no_nul(plain),
            Self::Scrypt(hash) => hash.verify(plain) && has_no_nul(plain),
            Self::ScryptCrypt(_, text) => {
                let verified = McfHash::new(text)
                    .is_ok_and(|hash| Scrypt::default().verify_password(plain, hash).is_ok());
                verified && has_no_nul(plain)
            }
            Self::Bcrypt(text) => bcrypt::verify(plain, text).unwrap_or(false) && has_no_nul(plain),
        }
    }

    /// Whether it was made otherwise than `work` asks today, and can be made anew from `plain`, which it verified. From bcrypt
    /// only when `plain` has fewer than 72 bytes: bcrypt ignores what is beyond them, so the secret that was hashed may be
    /// another one, and the new hash would lock it out for ever.
    pub fn needs_renewal(&self, work: Argon2Work, plain: &Secret<String>) -> bool {
        match self {
            Self::Argon2(hash) => {
                hash.algorithm.as_str() != "argon2id"
                    || hash.version != Some(Version::V0x13.into())
                    || Params::try_from(&hash.params).is_ok_and(|p| {
                        (p.m_cost(), p.t_cost(), p.p_cost()) != (work.m, work.t, work.p)
                    })
            }
            Self::Bcrypt(_) => plain.expose().len() < BCRYPT_BYTES,
            Self::Pbkdf2(_)
            | Self::Scrypt(_)
            | Self::ScryptCrypt(..)
            | Self::PrehashedBcrypt(..) => true,
        }
    }
}

/// The bytes of a secret that bcrypt reads. A shorter secret ends with a NUL among them; of one with exactly so many it
/// cannot be told that nothing follows.
const BCRYPT_BYTES: usize = 72;

/// Whether no other text than `plain` has its hash, as far as NUL goes. bcrypt in C ends at a NUL, and bcrypt elsewhere
/// repeats the secret behind one; HMAC, which is in PBKDF2 and scrypt, pads a short key with NULs. So `secret` and `secret\0`
/// have one hash. No secret that was chosen has a NUL.
fn has_no_nul(plain: &[u8]) -> bool {
    !plain.contains(&0)
}

impl Pbkdf2Hash {
    fn verify(&self, plain: &[u8]) -> bool {
        let (algorithm, rounds) = (self.algorithm, self.rounds);
        pbkdf2::verify(algorithm, rounds, &self.salt, plain, &self.output).is_ok()
    }
}

impl ScryptHash {
    fn verify(&self, plain: &[u8]) -> bool {
        let mut output = vec![0; self.output.len()];
        scrypt::scrypt(plain, &self.salt, &self.params, &mut output).is_ok()
            && output.ct_eq(&self.output).into()
    }
}

impl Prehash {
    fn of(self, plain: &[u8], bcrypt: &str) -> String {
        match self {
            Self::HexSha256 => hex::encode(digest(&SHA256, plain)),
            Self::Base64Sha256 => STANDARD.encode(digest(&SHA256, plain)),
            Self::HmacSha256 => {
                // `$2b$04$`, then 22 characters.
                let salt = bcrypt.get(7..29).unwrap_or_default();
                let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
                STANDARD.encode(hmac::sign(&key, plain))
            }
        }
    }
}

/// Hashes `plain` with argon2id under a random salt; a PHC string.
pub(crate) fn hash(
    plain: &Secret<String>,
    work: Argon2Work,
    memory: &mut Memory,
) -> Result<String, password_hash::Error> {
    let params = Params::new(work.m, work.t, work.p, None)?;
    let salt = random_bytes::<16>();
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    let algorithm = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    memory.hash(&algorithm, plain.expose().as_bytes(), &salt, &mut out)?;
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params)?,
        salt: Some(Salt::new(&salt)?),
        hash: Some(Output::new(&out)?),
    };
    Ok(phc.to_string())
}

/// The memory in which argon2 works. Kept from one hash to the next: asking the system for a
/// fresh megabyte costs about as much as a small hash.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    fn hash(
        &mut self,
        algorithm: &Argon2<'_>,
        plain: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let blocks = algorithm.params().block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::default());
        }
        algorithm.hash_password_into_with_memory(plain, salt, out, &mut self.0[..blocks])
    }
}

fn verify_argon2(
    hash: &PasswordHash,
    plain: &[u8],
    memory: &mut Memory,
) -> Result<bool, password_hash::Error> {
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
        return Ok(false);
    };
    let algorithm = Argon2::new(
        hash.algorithm.as_str().parse()?,
        hash.version.map_or(Ok(Version::V0x10), Version::try_from)?,
        Params::try_from(hash)?,
    );
    let mut out = vec![0; expected.len()];
    memory.hash(&algorithm, plain, salt.as_ref(), &mut out)?;
    Ok(out.ct_eq(expected.as_bytes()).into())
}
