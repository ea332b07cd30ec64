//! Owns the forms, each of which is looked for in one word of a text.

use std::ops::Range;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::base::redact::run;

/// What follows `tks_` in a part of a generated secret that is worth hiding. Its id alone (8 characters) is public.
const SECRET_LENGTH: usize = 16;

/// The shortest text that is taken for a JWT, or for the value of `Bearer`.
const TOKEN_LENGTH: usize = 16;

/// base64 as people copy it: padded or not, with any last bits.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The first secret in the word of a text that begins at `start`.
pub(super) fn find_in_word(text: &str, start: usize, word: &str) -> Option<Range<usize>> {
    let within = |found: Range<usize>| start + found.start..start + found.end;
    if let Some(length) = private_key(&text[start..]) {
        return Some(start..start + length);
    }
    let forms = [
        generated_secret,
        password_in_url,
        password_hash,
        jwt,
        encoded_secret,
    ];
    let first = forms.into_iter().filter_map(|form| form(word));
    let first = first.min_by_key(|found| found.start).map(within);
    first.or_else(|| credentials(&text[..start], word).map(within))
}

/// How long the private key is that a text begins with. Without its end it goes on to the next quote.
fn private_key(text: &str) -> Option<usize> {
    let label = text.strip_prefix("-----BEGIN ")?;
    if !label[..label.find("-----")?].ends_with("PRIVATE KEY") {
        return None;
    }
    let end = text.find("-----END ").and_then(|end| {
        let close = text[end + 9..].find("-----")?;
        Some(end + 9 + close + 5)
    });
    end.or_else(|| text.find('"')).or(Some(text.len()))
}

/// `tks_…`, also with a wrong separator.
fn generated_secret(word: &str) -> Option<Range<usize>> {
    let bytes = word.as_bytes();
    (0..bytes.len()).find_map(|start| {
        let rest = bytes[start..].split_at_checked(3)?;
        let (b"tks" | b"TKS" | b"Tks", rest) = rest else {
            return None;
        };
        let separator = match rest {
            [b'_' | b'-', ..] => 1,
            [b'%', b'5', b'F' | b'f', ..] => 3,
            _ => return None,
        };
        let length = run(&rest[separator..], is_base64url);
        (length >= SECRET_LENGTH).then(|| start..start + 3 + separator + length)
    })
}

/// The password of `scheme://user:password@host`.
fn password_in_url(word: &str) -> Option<Range<usize>> {
    let start = word.find("://")? + 3;
    let rest = &word[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let colon = authority.find(':')?;
    let is_port = authority[colon + 1..].bytes().all(|b| b.is_ascii_digit());
    // A password that is not escaped may hold the characters that end an authority.
    let at = match authority.rfind('@') {
        None if !is_port => rest.rfind('@'),
        at => at,
    }?;
    (colon + 1 < at).then(|| start + colon + 1..start + at)
}

/// `$argon2id$…`, `$2b$12$…` and the other hashes that name their algorithm.
fn password_hash(word: &str) -> Option<Range<usize>> {
    const SHORTEST_HASH: usize = 24;
    let start = word.find('$')?;
    let name = run(&word.as_bytes()[start + 1..], is_base64url);
    let is_named = (1..=20).contains(&name) && word.as_bytes().get(start + 1 + name) == Some(&b'$');
    (is_named && word.len() - start >= SHORTEST_HASH).then_some(start..word.len())
}

/// A JWS or JWE in compact form, whole or without an end of it.
fn jwt(word: &str) -> Option<Range<usize>> {
    let is_in_jwt = |b: u8| is_base64url(b) || b == b'.' || b == b'~';
    pieces(word, is_in_jwt).find(|piece| {
        let piece = &word[piece.clone()];
        if piece.len() < TOKEN_LENGTH {
            false
        } else if piece.contains('.') {
            piece.split(['.', '~']).any(begins_with_object)
        } else {
            // The header alone.
            begins_with_object(piece) && decode(piece).windows(5).any(|name| name == br#""alg""#)
        }
    })
}

/// Whether a text is base64url of what begins like a JSON object.
fn begins_with_object(segment: &str) -> bool {
    // `{"` and any letter begin with `eyJ`; 15 bytes have room for a line break and its indentation.
    if segment.len() < 8 || !segment.starts_with('e') {
        return false;
    }
    let beginning = decode(&segment[..segment.len().min(20)]);
    beginning
        .strip_prefix(b"{")
        .is_some_and(|rest| matches!(rest.trim_ascii_start().first(), None | Some(b'"')))
}

/// base64 of something with a generated secret in it, as `Basic` has it.
fn encoded_secret(word: &str) -> Option<Range<usize>> {
    let holds = |piece: &Range<usize>| {
        let decoded = decode(&word[piece.clone()]);
        let text: String = decoded.into_iter().map(char::from).collect();
        generated_secret(&text).is_some()
    };
    let is_in_base64 = |b: u8| is_base64url(b) || b == b'+' || b == b'/';
    let is_long = |piece: &Range<usize>| piece.len() >= 24;
    let whole = pieces(word, is_in_base64).filter(is_long).find(holds);
    // In a path a slash is none of base64's characters.
    whole.or_else(|| pieces(word, is_base64url).filter(is_long).find(holds))
}

/// What stands behind `Basic`, `Bearer` or `DPoP`.
fn credentials(before: &str, word: &str) -> Option<Range<usize>> {
    let gap = before.trim_ascii_end();
    if gap.len() == before.len() {
        return None;
    }
    let is_in_token68 = |b: u8| is_base64url(b) || b"._~+/=".contains(&b);
    let token = &word[..run(word.as_bytes(), is_in_token68)];
    let follows = |scheme: &str| {
        let start = gap.len().checked_sub(scheme.len());
        start
            .and_then(|start| gap.get(start..))
            .is_some_and(|it| it.eq_ignore_ascii_case(scheme))
    };
    let is_secret = if follows("basic") {
        std::str::from_utf8(&decode(token)).is_ok_and(|pair| pair.contains(':'))
    } else if follows("bearer") || follows("dpop") {
        let has = |is_so: fn(&u8) -> bool| token.as_bytes().iter().any(is_so);
        token.len() >= TOKEN_LENGTH && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    } else {
        false
    };
    is_secret.then_some(0..token.len())
}

/// The longest parts of a word that are made of such bytes only.
fn pieces(word: &str, is_in: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let bytes = word.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        at += run(&bytes[at..], |b| !is_in(b));
        let start = at;
        at += run(&bytes[at..], &is_in);
        (start < at).then_some(start..at)
    })
}

/// The bytes in base64 of either alphabet; of a text that is cut off those that are whole, of any other none.
fn decode(text: &str) -> Vec<u8> {
    let text = text.trim_end_matches('=');
    let text = &text[..text.len() - usize::from(text.len() % 4 == 1)];
    let url_safe = text.replace('+', "-").replace('/', "_");
    BASE64_URL.decode(url_safe).unwrap_or_default()
}

fn is_base64url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}
