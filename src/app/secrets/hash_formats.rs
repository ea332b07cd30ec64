//! Owns which hashes are understood, in which spelling and up to which work. Parses untrusted text:
//! what passes can be verified, in seconds and without taking all memory. Hashes nothing itself.

use std::num::NonZeroU32;

use argon2::{Params, Version};
use aws_lc_rs::pbkdf2::{Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD_NO_PAD};
use password_hash::phc::PasswordHash;
use scrypt::mcf::PasswordHashRef as McfHash;

use crate::app::secrets::hash::{Pbkdf2Hash, Prehash, ScryptHash, SecretHash};
use crate::config::Argon2Work;
use crate::domain::ParseError;

/// How a hash of Django's `BCryptSHA256PasswordHasher` begins; the rest is bcrypt's own form.
pub(crate) const DJANGO_BCRYPT_SHA256: &str = "bcrypt_sha256$";

type Parser = fn(&str) -> Result<SecretHash, ParseError>;

/// How hashes in PHC or modular-crypt form are read, by their identifiers.
const PARSERS: [(&str, Parser); 14] = [
    ("argon2id", parse_argon2),
    ("argon2i", parse_argon2),
    ("argon2d", parse_argon2),
    ("scrypt", parse_scrypt),
    ("7", parse_scrypt_crypt),
    ("2a", parse_bcrypt),
    ("2b", parse_bcrypt),
    ("2x", parse_bcrypt),
    ("2y", parse_bcrypt),
    ("bcrypt-sha256", parse_passlib_bcrypt),
    ("pbkdf2", |text| parse_pbkdf2(text, PBKDF2_HMAC_SHA1)),
    ("pbkdf2-sha1", |text| parse_pbkdf2(text, PBKDF2_HMAC_SHA1)),
    ("pbkdf2-sha256", |text| {
        parse_pbkdf2(text, PBKDF2_HMAC_SHA256)
    }),
    ("pbkdf2-sha512", |text| {
        parse_pbkdf2(text, PBKDF2_HMAC_SHA512)
    }),
];

pub(crate) fn is_understood(id: &str) -> bool {
    PARSERS.iter().any(|(understood, _)| *understood == id)
}

/// The characters of crypt(5) in their order.
const CRYPT_DIGITS: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Fewer bytes of output, and guessing a text that fits is no longer out of reach.
const MIN_OUTPUT_BYTES: usize = 16;

/// The longest output of a hash.
const MAX_OUTPUT_BYTES: usize = 64;

/// The longest salt of a PBKDF2 or scrypt hash.
const MAX_SALT_BYTES: usize = 64;

/// The work that the verification of a hash takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashWork {
    Argon2(Argon2Work),
    Scrypt { ln: u32, r: u32, p: u32 },
    Pbkdf2 { rounds: u32 },
    Bcrypt { cost: u32 },
}

impl SecretHash {
    /// Parses argon2, PBKDF2 or scrypt in PHC form, or PBKDF2, scrypt or bcrypt in modular-crypt form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if let Some(bcrypt) = text.strip_prefix(DJANGO_BCRYPT_SHA256) {
            check_bcrypt(bcrypt)?;
            let prehash = Prehash::HexSha256;
            return Ok(Self::PrehashedBcrypt(prehash, bcrypt.to_owned()));
        }
        let id = text.split('$').nth(1).unwrap_or_default();
        match PARSERS.iter().find(|(understood, _)| *understood == id) {
            Some((_, parse)) => parse(text),
            None if id.starts_with("pbkdf2") => Err(ParseError::new(
                "this server verifies PBKDF2 only with SHA-1, SHA-256 and SHA-512",
            )),
            None => Err(ParseError::new(
                "the hash is not argon2, PBKDF2, scrypt or bcrypt in PHC or modular-crypt form",
            )),
        }
    }

    /// The work that [`verify`](Self::verify) takes.
    pub(crate) fn work(&self) -> HashWork {
        match self {
            Self::Argon2(hash) => HashWork::Argon2(argon2_work(hash).unwrap_or(Argon2Work {
                m: u32::MAX,
                t: u32::MAX,
                p: u32::MAX,
            })),
            Self::Pbkdf2(hash) => HashWork::Pbkdf2 {
                rounds: hash.rounds.get(),
            },
            Self::Scrypt(ScryptHash { params, .. }) | Self::ScryptCrypt(params, _) => {
                HashWork::Scrypt {
                    ln: u32::from(params.log_n()),
                    r: params.r(),
                    p: params.p(),
                }
            }
            Self::Bcrypt(text) | Self::PrehashedBcrypt(_, text) => HashWork::Bcrypt {
                cost: check_bcrypt(text).unwrap_or(u32::MAX),
            },
        }
    }
}

fn parse_phc(text: &str) -> Result<PasswordHash, ParseError> {
    let hash = PasswordHash::new(text)
        .map_err(|error| ParseError::new(format!("the hash is not in PHC form: {error}")))?;
    let complete =
        hash.salt.is_some() && hash.hash.is_some_and(|out| out.len() >= MIN_OUTPUT_BYTES);
    if complete { Ok(hash) } else { Err(too_short()) }
}

fn argon2_work(hash: &PasswordHash) -> Option<Argon2Work> {
    let params = Params::try_from(hash).ok()?;
    // They stand for a key that is not in the hash: it could not be verified.
    let is_whole = params.keyid().is_empty() && params.data().is_empty();
    is_whole.then(|| Argon2Work {
        m: params.m_cost(),
        t: params.t_cost(),
        p: params.p_cost(),
    })
}

fn parse_argon2(text: &str) -> Result<SecretHash, ParseError> {
    let hash = parse_phc(text)?;
    let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from);
    let (Some(work), Ok(_)) = (argon2_work(&hash), version) else {
        return Err(unparsable("argon2"));
    };
    if work.is_bearable() {
        Ok(SecretHash::Argon2(Box::new(hash)))
    } else {
        Err(too_much_work(
            &format!("argon2 with {work}"),
            "m=1048576,t=4,p=16",
        ))
    }
}

/// `$scrypt$ln=…,r=…,p=…$salt$hash`. Read here and not by the library, whose own check of the parameters overflows, and
/// whose salts have at most 48 bytes.
fn parse_scrypt(text: &str) -> Result<SecretHash, ParseError> {
    let fields: Vec<&str> = text.split('$').collect();
    let &["", _, params, salt, output] = fields.as_slice() else {
        return Err(ParseError::new(
            "the hash is not in the form $scrypt$ln=,r=,p=$salt$hash",
        ));
    };
    let params: Vec<&str> = params.split(',').collect();
    let number = |text: &str, name: &str| text.strip_prefix(name)?.parse::<u32>().ok();
    let params = match params.as_slice() {
        [ln, r, p] => (number(ln, "ln="), number(r, "r="), number(p, "p=")),
        _ => (None, None, None),
    };
    let (Some(ln), Some(r), Some(p)) = params else {
        return Err(unparsable("scrypt"));
    };
    let params = check_scrypt(ln, r, p)?;
    let decode = |field: &str| STANDARD_NO_PAD.decode(field);
    let (Ok(salt), Ok(output)) = (decode(salt), decode(output)) else {
        return Err(unparsable("scrypt"));
    };
    check_lengths(&salt, &output)?;
    Ok(SecretHash::Scrypt(ScryptHash {
        params,
        salt,
        output,
    }))
}

fn check_lengths(salt: &[u8], output: &[u8]) -> Result<(), ParseError> {
    if salt.is_empty() || output.len() < MIN_OUTPUT_BYTES {
        return Err(too_short());
    }
    if salt.len() > MAX_SALT_BYTES || output.len() > MAX_OUTPUT_BYTES {
        return Err(ParseError::new(
            "the hash has more than 64 bytes of salt or of output",
        ));
    }
    Ok(())
}

/// `$7$`, then one character for log2 N, five for r, five for p, the salt, `$` and the hash.
fn parse_scrypt_crypt(text: &str) -> Result<SecretHash, ParseError> {
    let fields: Vec<&str> = text.split('$').collect();
    let &["", _, params, output] = fields.as_slice() else {
        return Err(ParseError::new(
            "the hash is not in the form $7$SETTINGS$HASH",
        ));
    };
    let in_crypt = |field: &str| field.chars().all(|c| CRYPT_DIGITS.contains(c));
    if !in_crypt(params) || !in_crypt(output) || McfHash::new(text).is_err() {
        return Err(unparsable("scrypt"));
    }
    // Six bits a character; one character left over is no byte.
    let bytes = output.len() * 6 / 8;
    if params.len() < 12 || params.len() > 128 || bytes < MIN_OUTPUT_BYTES {
        return Err(too_short());
    }
    if output.len() % 4 == 1 || bytes > MAX_OUTPUT_BYTES {
        return Err(unparsable("scrypt"));
    }
    let number = |text: &str| {
        text.chars().rev().try_fold(0_u32, |value, digit| {
            Some(value << 6 | u32::try_from(CRYPT_DIGITS.find(digit)?).ok()?)
        })
    };
    let numbers = (
        number(&params[..1]),
        number(&params[1..6]),
        number(&params[6..11]),
    );
    let (Some(ln), Some(r), Some(p)) = numbers else {
        return Err(unparsable("scrypt"));
    };
    let params = check_scrypt(ln, r, p)?;
    Ok(SecretHash::ScryptCrypt(params, text.to_owned()))
}

/// The memory that scrypt takes, in bytes.
pub(crate) fn scrypt_memory(ln: u32, r: u32) -> Option<u64> {
    1_u64.checked_shl(ln)?.checked_mul(128 * u64::from(r))
}

/// scrypt goes over its memory p times: at most 256 MiB, and 1 GiB in all.
fn check_scrypt(ln: u32, r: u32, p: u32) -> Result<scrypt::Params, ParseError> {
    let bearable = scrypt_memory(ln, r).is_some_and(|memory| {
        memory <= 256 << 20 && memory.saturating_mul(u64::from(p)) <= 1 << 30
    });
    if !bearable || ln < 1 || r < 1 || p < 1 {
        return Err(too_much_work(
            &format!("scrypt with ln={ln},r={r},p={p}"),
            "256 MiB of memory, or 1 GiB in all lanes",
        ));
    }
    let ln = u8::try_from(ln).map_err(|_| unparsable("scrypt"))?;
    scrypt::Params::new(ln, r, p).map_err(|_| unparsable("scrypt"))
}

fn parse_pbkdf2(text: &str, algorithm: Algorithm) -> Result<SecretHash, ParseError> {
    let fields: Vec<&str> = text.split('$').collect();
    let (rounds, salt, output) = if let &["", _, rounds, salt, output] = fields.as_slice()
        && let Ok(rounds) = rounds.parse::<u32>()
    {
        (rounds, decode_passlib(salt)?, decode_passlib(output)?)
    } else {
        let hash = parse_phc(text)?;
        let (salt, output) = match (&hash.salt, &hash.hash) {
            (Some(salt), Some(output)) => (salt.as_ref().to_vec(), output.as_bytes().to_vec()),
            _ => return Err(too_short()),
        };
        let is_known = |name: &str| match name {
            "i" => true,
            "l" => hash.params.get_decimal("l") == u32::try_from(output.len()).ok(),
            _ => false,
        };
        let mut params = hash.params.iter();
        if hash.version.is_some() || !params.all(|(name, _)| is_known(name.as_str())) {
            return Err(unparsable("PBKDF2"));
        }
        let rounds = hash.params.get_decimal("i").unwrap_or_default();
        (rounds, salt, output)
    };
    check_lengths(&salt, &output)?;
    Ok(SecretHash::Pbkdf2(Pbkdf2Hash {
        algorithm,
        rounds: check_rounds(rounds)?,
        salt,
        output,
    }))
}

fn check_rounds(rounds: u32) -> Result<NonZeroU32, ParseError> {
    const MIN_ROUNDS: u32 = 1_000;
    const MAX_ROUNDS: u32 = 10_000_000;
    let bearable = (MIN_ROUNDS..=MAX_ROUNDS).contains(&rounds);
    NonZeroU32::new(rounds).filter(|_| bearable).ok_or_else(|| {
        ParseError::new(format!(
            "PBKDF2 with {rounds} rounds: this server verifies it with {MIN_ROUNDS} to {MAX_ROUNDS}"
        ))
    })
}

/// Base64 as passlib writes it: `.` for `+`, and no padding.
fn decode_passlib(field: &str) -> Result<Vec<u8>, ParseError> {
    Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./")
        .ok()
        .and_then(|alphabet| GeneralPurpose::new(&alphabet, NO_PAD).decode(field).ok())
        .ok_or_else(|| unparsable("PBKDF2"))
}

fn parse_bcrypt(text: &str) -> Result<SecretHash, ParseError> {
    check_bcrypt(text)?;
    Ok(SecretHash::Bcrypt(text.to_owned()))
}

/// Checks a hash in bcrypt's own form; its cost.
fn check_bcrypt(text: &str) -> Result<u32, ParseError> {
    let parts: bcrypt::HashParts = text
        .parse()
        .map_err(|error| ParseError::new(format!("the bcrypt hash does not parse: {error}")))?;
    let cost = parts.get_cost();
    if (4..=16).contains(&cost) {
        Ok(cost)
    } else {
        Err(ParseError::new(format!(
            "bcrypt with cost {cost}: this server verifies it with cost 4 to 16"
        )))
    }
}

/// passlib's `bcrypt_sha256`: `$bcrypt-sha256$v=2,t=2b,r=12$salt$hash`, and before `$bcrypt-sha256$2b,12$salt$hash`.
fn parse_passlib_bcrypt(text: &str) -> Result<SecretHash, ParseError> {
    let fields: Vec<&str> = text.split('$').collect();
    let &["", _, params, salt, output] = fields.as_slice() else {
        return Err(unparsable("bcrypt-sha256"));
    };
    let params: Vec<&str> = params.split(',').collect();
    let (kind, rounds, prehash) = match params.as_slice() {
        ["v=2", kind, rounds] => (
            kind.strip_prefix("t="),
            rounds.strip_prefix("r="),
            Prehash::HmacSha256,
        ),
        [kind, rounds] => (Some(*kind), Some(*rounds), Prehash::Base64Sha256),
        _ => return Err(unparsable("bcrypt-sha256")),
    };
    let (Some(kind @ ("2a" | "2b")), Some(Ok(rounds))) = (kind, rounds.map(str::parse::<u8>))
    else {
        return Err(unparsable("bcrypt-sha256"));
    };
    let bcrypt = format!("${kind}${rounds:02}${salt}{output}");
    check_bcrypt(&bcrypt)?;
    Ok(SecretHash::PrehashedBcrypt(prehash, bcrypt))
}

fn unparsable(algorithm: &str) -> ParseError {
    ParseError::new(format!("the {algorithm} hash does not parse"))
}

fn too_short() -> ParseError {
    ParseError::new("the hash lacks its salt, or has fewer than 16 bytes of output")
}

fn too_much_work(found: &str, most: &str) -> ParseError {
    ParseError::new(format!("{found} takes more work than {most}"))
}
