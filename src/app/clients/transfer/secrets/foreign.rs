//! Owns how other programs write hashes: which of them can be verified here, and in which of our own forms; which are
//! refused by name; and which texts may be digests that say nothing of themselves.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::app::clients::transfer::secrets::names::{ALGORITHMS, CRYPT_KINDS, OTHER_SCHEMES};
use crate::app::secrets::hash_formats::{DJANGO_BCRYPT_SHA256, is_understood};

/// What a text is that is not surely a plain secret.
pub(super) enum Form {
    /// A hash, in a form that [`SecretHash`](crate::app::SecretHash) parses if it is well-formed.
    Hash(String),
    /// Nothing that can be used here; why.
    Unusable(String),
    /// A digest, or a plain secret that looks like one; what it does.
    Doubtful(&'static str),
}

/// The lengths of digests, in bytes.
const DIGEST_BYTES: [usize; 5] = [16, 20, 32, 48, 64];

/// What a text is, if it is not surely a plain secret.
pub(super) fn recognise(text: &str) -> Option<Form> {
    by_its_form(text)
        .or_else(|| marked(text))
        .or_else(|| doubtful(text).map(Form::Doubtful))
}

fn by_its_form(text: &str) -> Option<Form> {
    in_braces(text)
        .or_else(|| in_crypt_form(text))
        .or_else(|| behind_a_name(text))
        .or_else(|| aspnet(text))
}

fn unusable(why: impl Into<String>) -> Form {
    Form::Unusable(why.into())
}

/// `{bcrypt}$2b$…` of Spring Security, `{CRYPT}…` and `{SSHA}…` of LDAP and of Dovecot.
fn in_braces(text: &str) -> Option<Form> {
    let (scheme, rest) = text.strip_prefix('{')?.split_once('}')?;
    let lower = scheme.to_ascii_lowercase();
    // Spring Security: `scrypt@SpringSecurity_v5_8`.
    let name = lower.split_once('@').map_or(&*lower, |(name, _)| name);
    // What stands behind the `@` is not repeated: it may be anything.
    let known = |why: &str| Some(unusable(format!("`{{{}}}`: {why}", &scheme[..name.len()])));
    match name {
        "bcrypt" | "blf-crypt" | "argon2" | "argon2i" | "argon2d" | "argon2id" | "crypt"
            if has_understood_id(rest) =>
        {
            Some(Form::Hash(rest.to_owned()))
        }
        "scrypt" => Some(spring_scrypt(rest).map_or_else(
            || unusable("`{scrypt}`: the hash does not parse"),
            Form::Hash,
        )),
        "pbkdf2" | "pbkdf2-sha1" | "pbkdf2-sha256" | "pbkdf2-sha512" if rest.contains('$') => {
            // Some write base64 as everybody else does.
            let rest = rest.replace('+', ".").replace('=', "");
            Some(Form::Hash(format!("${name}${rest}")))
        }
        "pbkdf2" => known(
            "the hash does not contain its rounds and its digest; give the client a new secret",
        ),
        "noop" | "plain" | "cleartext" | "clear" => {
            known("if it is a plain secret, write it without the prefix")
        }
        _ if ALGORITHMS.contains(&name) || OTHER_SCHEMES.contains(&name) => {
            known("this server does not verify hashes of this kind; give the client a new secret")
        }
        _ => Some(unusable(
            "it begins with a scheme in braces (`{...}`) that this server does not know",
        )),
    }
}

/// `$id$…`: PHC and modular-crypt form.
fn in_crypt_form(text: &str) -> Option<Form> {
    let (id, _) = text.strip_prefix('$')?.split_once('$')?;
    if is_understood(id) {
        return Some(Form::Hash(text.to_owned()));
    }
    let in_id = |b: u8| b.is_ascii_alphanumeric() || b"-_.,=+/".contains(&b);
    if id.is_empty() || id.len() > 32 || !id.bytes().all(in_id) {
        return None;
    }
    let name = id.split(',').next().unwrap_or_default();
    Some(match CRYPT_KINDS.iter().find(|(kind, _)| *kind == name) {
        Some((kind, what)) => unusable(format!(
            "`${kind}$` ({what}): this server does not verify hashes of this kind; give the client a new secret"
        )),
        None => unusable(
            "it begins like a hash (`$...$`), but of a kind that this server does not know",
        ),
    })
}

fn has_understood_id(text: &str) -> bool {
    let rest = text.strip_prefix('$').unwrap_or_default();
    rest.split_once('$')
        .is_some_and(|(id, _)| is_understood(id))
}

/// `pbkdf2_sha256$…` of Django, `pbkdf2:sha256:…` of Werkzeug, `md5:…`, `sha256=…`: the algorithm's name first.
fn behind_a_name(text: &str) -> Option<Form> {
    if let Some(form) = django(text).or_else(|| werkzeug(text)) {
        return Some(form);
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("grub.pbkdf2.") {
        return Some(unusable(
            "`grub.pbkdf2`: this server does not verify hashes of this kind",
        ));
    }
    let first = lower
        .split(['$', ':'])
        .next()
        .filter(|it| it.len() < lower.len());
    let name = first.and_then(|first| {
        let same = ALGORITHMS.into_iter().find(|name| *name == first);
        // What follows these may be anything.
        same.or_else(|| {
            ["pbkdf2", "scram-sha-"]
                .into_iter()
                .find(|it| first.starts_with(it))
        })
    });
    if let Some(name) = name {
        return Some(unusable(format!(
            "it begins with `{name}`: this server does not verify hashes of this form; give the client a new secret"
        )));
    }
    let long_names = ALGORITHMS.iter().filter(|name| name.len() > 2);
    let named = long_names.into_iter().find(|name| {
        let rest = lower
            .get(name.len()..)
            .filter(|_| lower.starts_with(**name));
        rest.is_some_and(|rest| {
            let rest = &text[text.len() - rest.len()..];
            is_digest(rest) || is_digest(rest.get(1..).unwrap_or_default())
        })
    });
    named.map(|name| {
        unusable(format!(
            "it is `{name}` and a digest, which this server does not verify; give the client a new secret"
        ))
    })
}

/// Django's password hashers.
fn django(text: &str) -> Option<Form> {
    let inner = |rest: &str| has_understood_id(rest).then(|| Form::Hash(rest.to_owned()));
    if text.starts_with(DJANGO_BCRYPT_SHA256) {
        return Some(Form::Hash(text.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("bcrypt$") {
        return inner(rest);
    }
    let fields: Vec<&str> = text.split('$').collect();
    match fields.as_slice() {
        ["argon2", ..] => inner(&text["argon2".len()..]),
        [name, rounds, salt, output] => {
            let digest = name.strip_prefix("pbkdf2_")?;
            let output = STANDARD.decode(output).ok()?;
            pbkdf2(digest, rounds, salt, &output)
        }
        ["scrypt", n, salt, r, p, output] => {
            let output = STANDARD.decode(output).ok()?;
            scrypt(n, r, p, salt, &output)
        }
        _ => None,
    }
}

/// Werkzeug's `generate_password_hash`, with which Flask applications hash.
fn werkzeug(text: &str) -> Option<Form> {
    let fields: Vec<&str> = text.split('$').collect();
    let &[method, salt, output] = fields.as_slice() else {
        return None;
    };
    let method: Vec<&str> = method.split(':').collect();
    match method.as_slice() {
        ["pbkdf2", digest, rounds] => pbkdf2(digest, rounds, salt, &hex::decode(output).ok()?),
        ["scrypt", n, r, p] => scrypt(n, r, p, salt, &hex::decode(output).ok()?),
        _ => None,
    }
}

/// PBKDF2 as passlib writes it; the salt is the text itself.
fn pbkdf2(digest: &str, rounds: &str, salt: &str, output: &[u8]) -> Option<Form> {
    let id = match digest {
        "sha1" => "pbkdf2",
        "sha256" => "pbkdf2-sha256",
        "sha512" => "pbkdf2-sha512",
        _ => return None,
    };
    Some(Form::Hash(pbkdf2_text(id, rounds, salt.as_bytes(), output)))
}

fn pbkdf2_text(id: &str, rounds: &str, salt: &[u8], output: &[u8]) -> String {
    let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes).replace('+', ".");
    format!("${id}${rounds}${}${}", encode(salt), encode(output))
}

/// scrypt in PHC form, of N itself; the salt is the text itself.
fn scrypt(n: &str, r: &str, p: &str, salt: &str, output: &[u8]) -> Option<Form> {
    let n: u64 = n.parse().ok().filter(|n: &u64| n.is_power_of_two())?;
    let (r, p) = (r.parse::<u32>().ok()?, p.parse::<u32>().ok()?);
    let text = scrypt_text(n.ilog2(), r, p, salt.as_bytes(), output);
    Some(Form::Hash(text))
}

fn scrypt_text(ln: u32, r: u32, p: u32, salt: &[u8], output: &[u8]) -> String {
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    format!("$scrypt$ln={ln},r={r},p={p}${salt}${output}")
}

/// Spring Security's `SCryptPasswordEncoder`: `$`, log2 N, r and p in hex (16 bits, 8 and 8), salt and hash in base64.
fn spring_scrypt(text: &str) -> Option<String> {
    let fields: Vec<&str> = text.split('$').collect();
    let &["", params, salt, output] = fields.as_slice() else {
        return None;
    };
    let params = u32::from_str_radix(params, 16).ok()?;
    let (salt, output) = (STANDARD.decode(salt).ok()?, STANDARD.decode(output).ok()?);
    let (ln, r, p) = (params >> 16, params >> 8 & 0xff, params & 0xff);
    Some(scrypt_text(ln, r, p, &salt, &output))
}

/// ASP.NET Core Identity: base64 of a format marker and PBKDF2. Version 2 is always SHA-1 with 1000 rounds, version 3 says
/// its digest, rounds and salt length, each as a big-endian number of 32 bits.
fn aspnet(text: &str) -> Option<Form> {
    const V2_BYTES: usize = 1 + 16 + 32;
    let broken = || {
        Some(unusable(
            "it begins with `AQAAAA` like a hash of ASP.NET Core Identity, but does not parse",
        ))
    };
    let bytes = STANDARD.decode(text).unwrap_or_default();
    match bytes.as_slice() {
        [0, rest @ ..] if bytes.len() == V2_BYTES => {
            let (salt, output) = rest.split_at(16);
            Some(Form::Hash(pbkdf2_text("pbkdf2", "1000", salt, output)))
        }
        [1, 0, 0, 0, digest, rest @ ..] if rest.len() >= 8 => {
            let number = |at: usize| {
                let bytes: [u8; 4] = rest.get(at..at + 4)?.try_into().ok()?;
                Some(u32::from_be_bytes(bytes))
            };
            let read = || {
                let id = ["pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512"].get(usize::from(*digest))?;
                let (rounds, length) = (number(0)?, usize::try_from(number(4)?).ok()?);
                let (salt, output) = rest[8..].split_at_checked(length)?;
                Some(pbkdf2_text(id, &rounds.to_string(), salt, output))
            };
            read().map(Form::Hash).or_else(broken)
        }
        _ if text.starts_with("AQAAAA") => broken(),
        _ => None,
    }
}

/// A hash behind a mark: of a locked account, or of `MySQL`; and Django's mark for no password at all.
fn marked(text: &str) -> Option<Form> {
    let rest = text.trim_start_matches(['!', '*']);
    if rest.len() == text.len() {
        return None;
    }
    let is_sure = rest.len() == 40 && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        || by_its_form(rest).is_some();
    if is_sure {
        return Some(unusable(
            "it begins with `!` or `*` and a hash: the mark of a locked account, or of MySQL's hashes",
        ));
    }
    doubtful(rest).map(Form::Doubtful)
}

/// What a text looks like that names no algorithm.
fn doubtful(text: &str) -> Option<&'static str> {
    if is_digest(text) {
        return Some("has the length of a digest in hex or base64 (16, 20, 32, 48 or 64 bytes)");
    }
    let long_hex = |text: &str| text.len() >= 32 && is_hex(text);
    if ["0x", "0X", "\\x"]
        .iter()
        .any(|start| text.strip_prefix(start).is_some_and(long_hex))
    {
        return Some("is a long hexadecimal number, like a digest from a database");
    }
    let in_crypt = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'/';
    if text.len() == 20
        && text
            .strip_prefix('_')
            .is_some_and(|rest| rest.bytes().all(in_crypt))
    {
        return Some("has the form of a BSDi DES hash");
    }
    let separators = ['$', ':', '.', ';', '|', '*', '#', ','];
    let in_fields = text.contains(separators) && text.split(separators).any(long_hex)
        || text.contains(['$', ':']) && text.split(['$', ':']).any(is_digest);
    in_fields.then_some("has a digest beside other fields, like a salted hash")
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a text is as long as a digest, in hex or in base64 as programs write it: with no bits left over.
fn is_digest(text: &str) -> bool {
    if is_hex(text) && DIGEST_BYTES.iter().any(|bytes| text.len() == 2 * bytes) {
        return true;
    }
    [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
        .iter()
        .any(|engine| {
            let bytes = engine.decode(text);
            bytes.is_ok_and(|bytes| DIGEST_BYTES.contains(&bytes.len()))
        })
}
