//! Owns the algorithms that turn a secret into a hash and compare it with one. Which hashes are
//! understood is `hash_forms`' business; which thread this runs on is `hashing`'s.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use password_hash::PasswordVerifier;
use password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use pbkdf2::Pbkdf2;
use pbkdf2::mcf::PasswordHashRef as McfHash;
use scrypt::Scrypt;
use subtle::ConstantTimeEq;

use super::hash_forms;
use crate::config::Argon2Work;
use crate::domain::ParseError;
use crate::secret::{Secret, random_bytes};

/// A hash whose algorithm is understood and whose work is bounded: a row must not be able to stop
/// a thread for a minute or to take all memory.
#[derive(Debug)]
pub enum SecretHash {
    /// argon2 in PHC form: what we make.
    Argon2(PasswordHash),
    /// PBKDF2 in PHC form (`$pbkdf2-sha256$i=…,l=…$…`).
    Pbkdf2(PasswordHash),
    /// PBKDF2 as passlib writes it (`$pbkdf2-sha256$29000$…`).
    Pbkdf2Crypt(String),
    /// scrypt in PHC form (`$scrypt$ln=…`).
    Scrypt(PasswordHash),
    /// scrypt as crypt(5) writes it (`$7$…`).
    ScryptCrypt(String),
    /// bcrypt (`$2b$…`).
    Bcrypt(String),
}

impl SecretHash {
    /// Whether a text is meant as a hash; whether it is a good one, [`parse`](Self::parse) says.
    pub fn looks_like_one(text: &str) -> bool {
        hash_forms::looks_like_one(text)
    }

    /// Parses argon2, PBKDF2 or scrypt in PHC form, or PBKDF2, scrypt or bcrypt in modular-crypt form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        hash_forms::parse(text)
    }

    /// Whether this is the hash of `plain`.
    pub fn verify(&self, plain: &Secret<String>, memory: &mut Memory) -> bool {
        let plain = plain.expose().as_bytes();
        match self {
            Self::Argon2(hash) => verify_argon2(hash, plain, memory).unwrap_or(false),
            Self::Pbkdf2(hash) => Pbkdf2::default().verify_password(plain, hash).is_ok(),
            Self::Scrypt(hash) => Scrypt::default().verify_password(plain, hash).is_ok(),
            Self::Pbkdf2Crypt(text) => McfHash::new(text)
                .is_ok_and(|hash| Pbkdf2::default().verify_password(plain, hash).is_ok()),
            Self::ScryptCrypt(text) => McfHash::new(text)
                .is_ok_and(|hash| Scrypt::default().verify_password(plain, hash).is_ok()),
            Self::Bcrypt(text) => bcrypt::verify(plain, text).unwrap_or(false),
        }
    }

    /// Whether it was made otherwise than `work` asks today.
    pub fn needs_renewal(&self, work: Argon2Work) -> bool {
        match self {
            Self::Argon2(hash) => {
                hash.algorithm.as_str() != "argon2id"
                    || hash.version != Some(Version::V0x13.into())
                    || Params::try_from(&hash.params).is_ok_and(|p| {
                        (p.m_cost(), p.t_cost(), p.p_cost()) != (work.m, work.t, work.p)
                    })
            }
            Self::Pbkdf2(_)
            | Self::Pbkdf2Crypt(_)
            | Self::Scrypt(_)
            | Self::ScryptCrypt(_)
            | Self::Bcrypt(_) => true,
        }
    }
}

/// Hashes `plain` with argon2id under a random salt; a PHC string.
pub(super) fn hash(
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
    /// Gives it back to the system.
    pub fn release(&mut self) {
        self.0 = Vec::new();
    }

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
