//! Owns the algorithms that turn a secret into a hash, and which foreign hashes are understood.
//! Pure computation: which thread it runs on is `hashing`'s business.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use password_hash::PasswordVerifier;
use password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use pbkdf2::Pbkdf2;
use pbkdf2::mcf::PasswordHashRef as McfHash;
use scrypt::Scrypt;
use subtle::ConstantTimeEq;

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

/// The beginnings by which a hash is told from a plain secret.
const PREFIXES: [&str; 8] = [
    "$argon2", "$pbkdf2", "$scrypt$", "$7$", "$2a$", "$2b$", "$2x$", "$2y$",
];

const MIN_OUTPUT_BYTES: usize = 16;

impl SecretHash {
    /// Whether a text is meant as a hash; whether it is a good one, [`parse`](Self::parse) says.
    pub fn looks_like_one(text: &str) -> bool {
        PREFIXES.iter().any(|prefix| text.starts_with(prefix))
    }

    /// Parses argon2, PBKDF2 or scrypt in PHC form, or PBKDF2, scrypt or bcrypt in modular-crypt form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let algorithm = text.split('$').nth(1).unwrap_or_default();
        match algorithm {
            "argon2id" | "argon2i" | "argon2d" => parse_argon2(text),
            "scrypt" => parse_scrypt(text),
            "7" => parse_scrypt_crypt(text),
            "2a" | "2b" | "2x" | "2y" => parse_bcrypt(text),
            _ if algorithm.starts_with("pbkdf2") => parse_pbkdf2(text),
            _ => Err(ParseError::new(
                "the hash is not argon2, PBKDF2, scrypt or bcrypt in PHC or modular-crypt form",
            )),
        }
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

fn parse_phc(text: &str) -> Result<PasswordHash, ParseError> {
    let hash = PasswordHash::new(text)
        .map_err(|error| ParseError::new(format!("the hash is not in PHC form: {error}")))?;
    let complete =
        hash.salt.is_some() && hash.hash.is_some_and(|out| out.len() >= MIN_OUTPUT_BYTES);
    if complete { Ok(hash) } else { Err(too_short()) }
}

fn parse_argon2(text: &str) -> Result<SecretHash, ParseError> {
    let hash = parse_phc(text)?;
    let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from);
    match (Params::try_from(&hash), version) {
        (Ok(p), Ok(_)) if p.m_cost() <= 1 << 20 && p.t_cost() <= 100 && p.p_cost() <= 16 => {
            Ok(SecretHash::Argon2(hash))
        }
        (Ok(_), Ok(_)) => Err(too_much_work("m=1048576,t=100,p=16")),
        (Err(_), _) | (_, Err(_)) => Err(ParseError::new("the argon2 parameters do not parse")),
    }
}

fn parse_scrypt(text: &str) -> Result<SecretHash, ParseError> {
    let hash = parse_phc(text)?;
    let number = |name| hash.params.get_decimal(name).unwrap_or(u32::MAX);
    check_scrypt(number("ln"), number("r"), number("p"))?;
    Ok(SecretHash::Scrypt(hash))
}

/// `$7$`, then one character for log2 N, five for r, five for p, the salt, `$` and the hash.
fn parse_scrypt_crypt(text: &str) -> Result<SecretHash, ParseError> {
    let fields: Vec<&str> = text.split('$').collect();
    let &[_, _, params, output] = fields.as_slice() else {
        return Err(ParseError::new("the hash is not in the form $7$…$…"));
    };
    // 22 characters are 16 bytes.
    if !params.is_ascii() || params.len() < 12 || output.len() < 22 {
        return Err(too_short());
    }
    let number = |text: &str| {
        const DIGITS: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        text.chars().rev().try_fold(0_u32, |value, digit| {
            Some(value << 6 | u32::try_from(DIGITS.find(digit)?).ok()?)
        })
    };
    match (
        number(&params[..1]),
        number(&params[1..6]),
        number(&params[6..11]),
    ) {
        (Some(ln), Some(r), Some(p)) => check_scrypt(ln, r, p)?,
        _ => return Err(ParseError::new("the scrypt parameters do not parse")),
    }
    Ok(SecretHash::ScryptCrypt(text.to_owned()))
}

fn check_scrypt(ln: u32, r: u32, p: u32) -> Result<(), ParseError> {
    if (1..=20).contains(&ln) && (1..=16).contains(&r) && (1..=16).contains(&p) {
        Ok(())
    } else {
        Err(too_much_work("ln=20,r=16,p=16"))
    }
}

fn parse_pbkdf2(text: &str) -> Result<SecretHash, ParseError> {
    const MAX_ROUNDS: u32 = 10_000_000;
    let too_many = || too_much_work("10000000 rounds, or is under 1000");
    if let Ok(rounds) = text.split('$').nth(2).unwrap_or_default().parse::<u32>() {
        // 22 characters are 16 bytes.
        let output = text.split('$').nth(4).unwrap_or_default();
        if McfHash::new(text).is_err() || text.split('$').count() != 5 || output.len() < 22 {
            return Err(too_short());
        }
        return if (1_000..=MAX_ROUNDS).contains(&rounds) {
            Ok(SecretHash::Pbkdf2Crypt(text.to_owned()))
        } else {
            Err(too_many())
        };
    }
    let hash = parse_phc(text)?;
    match pbkdf2::Algorithm::try_from(hash.algorithm.as_str()) {
        Ok(pbkdf2::Algorithm::Pbkdf2Sha256 | pbkdf2::Algorithm::Pbkdf2Sha512) => {}
        Ok(_) | Err(_) => {
            return Err(ParseError::new(
                "PBKDF2 is understood with SHA-256 and SHA-512 only",
            ));
        }
    }
    match hash.params.get_decimal("i") {
        Some(rounds) if (1_000..=MAX_ROUNDS).contains(&rounds) => Ok(SecretHash::Pbkdf2(hash)),
        _ => Err(too_many()),
    }
}

fn parse_bcrypt(text: &str) -> Result<SecretHash, ParseError> {
    text.parse::<bcrypt::HashParts>()
        .map_err(|error| ParseError::new(format!("the bcrypt hash does not parse: {error}")))?;
    match text
        .split('$')
        .nth(2)
        .and_then(|cost| cost.parse::<u32>().ok())
    {
        Some(4..=16) => Ok(SecretHash::Bcrypt(text.to_owned())),
        _ => Err(too_much_work("cost 16")),
    }
}

fn too_short() -> ParseError {
    ParseError::new("the hash lacks its salt, or has fewer than 16 bytes of output")
}

fn too_much_work(most: &str) -> ParseError {
    ParseError::new(format!("the hash takes more work than {most}"))
}
