//! Owns which hashes are understood, in which spelling and up to which work. Parses untrusted text:
//! what passes can be verified, in seconds and without taking all memory. Hashes nothing itself.

use argon2::{Params, Version};
use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use password_hash::phc::PasswordHash;
use pbkdf2::mcf::PasswordHashRef as McfHash;

use super::secret_hash::SecretHash;
use crate::config::Argon2Work;
use crate::domain::ParseError;

/// How hashes begin that stand in no `$id$` form: Django's and Werkzeug's.
const OTHER_BEGINNINGS: [&str; 7] = [
    "argon2$",
    "bcrypt$",
    "bcrypt_sha256$",
    "pbkdf2:",
    "pbkdf2_",
    "scrypt$",
    "scrypt:",
];

/// The characters of crypt(5) in their order.
const CRYPT_DIGITS: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Fewer bytes of output, and guessing a text that fits is no longer out of reach.
const MIN_OUTPUT_BYTES: usize = 16;

/// The most that the libraries compare, whatever the spelling.
const MAX_OUTPUT_BYTES: usize = 64;

/// Whether a text is meant as a hash, of a kind we understand or not. One that we do not understand must
/// not pass for a plain secret: whoever has the old table could then log in with what is in it.
pub(super) fn looks_like_one(text: &str) -> bool {
    let id = text
        .strip_prefix('$')
        .and_then(|rest| rest.split_once('$'))
        .map_or("", |(id, _)| id);
    let in_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (!id.is_empty() && id.bytes().all(in_id))
        || OTHER_BEGINNINGS
            .iter()
            .any(|beginning| text.starts_with(beginning))
}

pub(super) fn parse(text: &str) -> Result<SecretHash, ParseError> {
    let id = text.split('$').nth(1).unwrap_or_default();
    match id {
        "argon2id" | "argon2i" | "argon2d" => parse_argon2(text),
        "scrypt" => parse_scrypt(text),
        "7" => parse_scrypt_crypt(text),
        "2a" | "2b" | "2x" | "2y" => parse_bcrypt(text),
        "pbkdf2-sha256" | "pbkdf2-sha512" => parse_pbkdf2(text),
        _ if id.starts_with("pbkdf2") => Err(ParseError::new(
            "PBKDF2 is understood with SHA-256 and SHA-512 only",
        )),
        _ => Err(ParseError::new(
            "the hash is not argon2, PBKDF2, scrypt or bcrypt in PHC or modular-crypt form",
        )),
    }
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
    let (Ok(params), Ok(_)) = (Params::try_from(&hash), version) else {
        return Err(unparsable("argon2"));
    };
    // They stand for a key that is not in the hash: it could not be verified.
    if !params.keyid().is_empty() || !params.data().is_empty() {
        return Err(unparsable("argon2"));
    }
    let work = Argon2Work {
        m: params.m_cost(),
        t: params.t_cost(),
        p: params.p_cost(),
    };
    if work.is_bearable() {
        Ok(SecretHash::Argon2(hash))
    } else {
        Err(too_much_work("m=1048576,t=4,p=16"))
    }
}

fn parse_scrypt(text: &str) -> Result<SecretHash, ParseError> {
    let hash = parse_phc(text)?;
    let number = |name| hash.params.get_decimal(name).unwrap_or_default();
    // Before the library looks at them: its own check overflows.
    check_scrypt(number("ln"), number("r"), number("p"))?;
    scrypt::Params::try_from(&hash).map_err(|_| unparsable("scrypt"))?;
    Ok(SecretHash::Scrypt(hash))
}

/// `$7$`, then one character for log2 N, five for r, five for p, the salt, `$` and the hash.
fn parse_scrypt_crypt(text: &str) -> Result<SecretHash, ParseError> {
    let fields: Vec<&str> = text.split('$').collect();
    let &["", _, params, output] = fields.as_slice() else {
        return Err(ParseError::new("the hash is not in the form $7$…$…"));
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
    match (
        number(&params[..1]),
        number(&params[1..6]),
        number(&params[6..11]),
    ) {
        (Some(ln), Some(r), Some(p)) => check_scrypt(ln, r, p)?,
        _ => return Err(unparsable("scrypt")),
    }
    Ok(SecretHash::ScryptCrypt(text.to_owned()))
}

/// scrypt takes 128·N·r bytes, and goes over them p times: at most 256 MiB, and 1 GiB in all.
fn check_scrypt(ln: u32, r: u32, p: u32) -> Result<(), ParseError> {
    let memory = 1_u64
        .checked_shl(ln)
        .and_then(|n| n.checked_mul(128 * u64::from(r)));
    let bearable = memory.is_some_and(|memory| {
        memory <= 256 << 20 && memory.saturating_mul(u64::from(p)) <= 1 << 30
    });
    if bearable && ln >= 1 && r >= 1 && p >= 1 {
        Ok(())
    } else {
        Err(too_much_work("256 MiB of memory, or 1 GiB in all lanes"))
    }
}

fn parse_pbkdf2(text: &str) -> Result<SecretHash, ParseError> {
    let fields: Vec<&str> = text.split('$').collect();
    if let &["", _, rounds, salt, output] = fields.as_slice()
        && let Ok(rounds) = rounds.parse::<u32>()
    {
        let (salt, output) = (decode_passlib(salt)?, decode_passlib(output)?);
        if salt.is_empty() || output.len() < MIN_OUTPUT_BYTES || McfHash::new(text).is_err() {
            return Err(too_short());
        }
        if salt.len() > 64 || output.len() > MAX_OUTPUT_BYTES {
            return Err(unparsable("PBKDF2"));
        }
        check_rounds(rounds)?;
        return Ok(SecretHash::Pbkdf2Crypt(text.to_owned()));
    }
    let hash = parse_phc(text)?;
    check_rounds(hash.params.get_decimal("i").unwrap_or_default())?;
    pbkdf2::Params::try_from(&hash).map_err(|_| unparsable("PBKDF2"))?;
    Ok(SecretHash::Pbkdf2(hash))
}

fn check_rounds(rounds: u32) -> Result<(), ParseError> {
    const MAX_ROUNDS: u32 = 10_000_000;
    if (pbkdf2::Params::MIN_ROUNDS..=MAX_ROUNDS).contains(&rounds) {
        Ok(())
    } else {
        Err(ParseError::new(format!(
            "PBKDF2 is understood with {} to {MAX_ROUNDS} rounds",
            pbkdf2::Params::MIN_ROUNDS
        )))
    }
}

/// Base64 as passlib writes it: `.` for `+`, and no padding.
fn decode_passlib(field: &str) -> Result<Vec<u8>, ParseError> {
    Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./")
        .ok()
        .and_then(|alphabet| GeneralPurpose::new(&alphabet, NO_PAD).decode(field).ok())
        .ok_or_else(|| unparsable("PBKDF2"))
}

fn parse_bcrypt(text: &str) -> Result<SecretHash, ParseError> {
    let parts: bcrypt::HashParts = text
        .parse()
        .map_err(|error| ParseError::new(format!("the bcrypt hash does not parse: {error}")))?;
    if (4..=16).contains(&parts.get_cost()) {
        Ok(SecretHash::Bcrypt(text.to_owned()))
    } else {
        Err(ParseError::new("bcrypt is understood with cost 4 to 16"))
    }
}

fn unparsable(algorithm: &str) -> ParseError {
    ParseError::new(format!("the {algorithm} hash does not parse"))
}

fn too_short() -> ParseError {
    ParseError::new("the hash lacks its salt, or has fewer than 16 bytes of output")
}

fn too_much_work(most: &str) -> ParseError {
    ParseError::new(format!("the hash takes more work than {most}"))
}
