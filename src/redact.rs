//! Owns the forms that secrets and tokens have, and hides what has one of them wherever it stands. Knows nothing of this
//! service. A successful request never comes here: error texts, log lines and audit events do.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// Shorter texts hold no secret that could be recognised.
const SHORTEST: usize = 12;

/// What follows `tks_` in a part of a generated secret that is worth hiding. Its id alone (8 characters) is public.
const SECRET_LENGTH: usize = 16;

/// The shortest text that is taken for a JWT, or for the value of `Bearer`.
const TOKEN_LENGTH: usize = 16;

/// base64 as people copy it: padded or not, with any last bits.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The text without what has the form of a secret or token: a generated client secret (also cut off or in base64), a JWS or
/// JWE in compact form, credentials behind `Basic`, `Bearer` or `DPoP`, a private key in PEM, a password hash,
/// the password in a URL.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut end = 0;
    while let Some(found) = find(text, end) {
        shown += &text[end..found.start];
        shown += REDACTED;
        end = found.end;
    }
    if end == 0 {
        return Cow::Borrowed(text);
    }
    shown += &text[end..];
    Cow::Owned(shown)
}

/// [`redact`] of a text that is not needed any more.
pub fn redact_string(text: String) -> String {
    match redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(shown) => shown,
    }
}

/// Whether a text holds something that [`redact`] hides.
pub fn holds_secret(text: &str) -> bool {
    find(text, 0).is_some()
}

/// JSON without what has the form of a secret or token in a string or a name; else as it was, to the byte.
pub fn redact_json(json: String) -> String {
    // An escape may stand in the middle of a form.
    if !json.contains('\\') && !holds_secret(&json) {
        return json;
    }
    let Ok(value) = serde_json::from_str::<Value>(&json) else {
        return redact_string(json);
    };
    let shown = redact_value(value.clone());
    if shown == value {
        json
    } else {
        shown.to_string()
    }
}

fn redact_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact_string(text)),
        Value::Array(list) => Value::Array(list.into_iter().map(redact_value).collect()),
        Value::Object(members) => {
            let members = members.into_iter();
            let members = members.map(|(name, value)| (redact_string(name), redact_value(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

/// The first secret from `from` on. Every form begins and ends with an ASCII character.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    if bytes.len() < SHORTEST {
        return None;
    }
    let mut at = from;
    while at < bytes.len() {
        at += colour(&bytes[at..]);
        let length = run(&bytes[at..], is_in_word);
        if length == 0 {
            at += 1;
            continue;
        }
        if let Some(found) = find_in_word(text, at, &text[at..at + length]) {
            return Some(found);
        }
        at += length;
    }
    None
}

/// How long the code for a colour of a terminal is that a text begins with, as in `ESC [ 3 m`.
fn colour(bytes: &[u8]) -> usize {
    let Some(rest) = bytes.strip_prefix(b"\x1b[") else {
        return 0;
    };
    let digits = run(rest, |b| b.is_ascii_digit() || b == b';');
    if rest.get(digits) == Some(&b'm') {
        digits + 3
    } else {
        0
    }
}

/// How many bytes from the beginning on are so.
fn run(bytes: &[u8], is_so: impl Fn(u8) -> bool) -> usize {
    let end = bytes.iter().position(|b| !is_so(*b));
    end.unwrap_or(bytes.len())
}

/// What a secret and its surroundings are made of: no space, quote, bracket or backslash.
fn is_in_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~+/=$,:;@%?&#!*^".contains(&b)
}

fn is_base64url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}

fn find_in_word(text: &str, start: usize, word: &str) -> Option<Range<usize>> {
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

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "tks_AbCdEf12ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210zyxwvutsrq0aB3dE";
    const JWT: &str = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL3QudGVzdCJ9.c2lnbmF0dXJl_-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn each_form_is_hidden_and_what_is_around_it_is_not() {
        let basic = STANDARD.encode("billing:hunter2");
        let basic_generated = STANDARD.encode(format!("billing:{SECRET}"));
        let pretty = URL_SAFE_NO_PAD.encode("{\r\n    \"alg\" : \"RS256\"}");
        let jwe = format!("{}..aXY.Y2lwaGVy.dGFn", &JWT[..54]);
        for (before, secret, after) in [
            ("the scope `", SECRET, "` is not among this client's"),
            ("scope=", SECRET, "&audience=x"),
            ("https://a.test/clients/", SECRET, "?x=1"),
            ("", &SECRET[..20], ""),
            ("x=", &SECRET.replace("tks_", "tks-"), ""),
            ("x=", &SECRET.replace("tks_", "tks%5F"), ""),
            ("token `", JWT, "`"),
            ("token=", &JWT[1..], "&x"),
            ("a ", &JWT[..JWT.len() - 40], "…"),
            ("a ", &JWT[..54], " b"),
            ("a ", &jwe, " b"),
            ("\u{1b}[3m", &jwe, "\u{1b}[0m"),
            ("", &format!("{pretty}.e30.c2ln"), ""),
            ("Authorization: Basic ", &basic, ""),
            (
                "Authorization: bearer ",
                "0123456789abcdef0123",
                " is wrong",
            ),
            ("user ", basic_generated.trim_end_matches('='), ""),
            ("hash ", "$2b$12$abcdefghijklmnopqrstuv", ""),
            (
                "hash `",
                "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
                "`",
            ),
            (
                "key ",
                "-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----",
                " x",
            ),
            ("\"", "-----BEGIN PRIVATE KEY-----\\nMHc", "\""),
            ("postgres://user:", "hunter2/@x", "@db.test/tokens"),
        ] {
            let text = [before, secret, after].concat();
            assert_eq!(redact(&text), [before, REDACTED, after].concat(), "{text}");
            assert!(holds_secret(&text));
        }
    }

    #[test]
    fn two_secrets_are_both_hidden() {
        let text = format!("{SECRET} and ü {JWT}, {SECRET}");
        assert_eq!(redact(&text), "[redacted] and ü [redacted], [redacted]");
    }

    #[test]
    fn what_only_resembles_a_secret_stays() {
        for text in [
            "tks_AbCdEf12",
            "the mark of generated ones is `tks_`",
            "0195f0a2-7c1b-7def-8abc-0123456789ab",
            "0195f0a27c1b7def8abc0123456789ab",
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            "eyJ0ZW5hbnQiOiJhY21lIiwicGxhbiI6ImdvbGQifQ",
            "eyewear-service.example-corporation.com",
            "ewok-service.example-corporation.com",
            "registry.example.com/teams/payments@sha256:0123456789abcdef",
            "https://tokens.example.com:2600/verify?scope=read",
            "https://tokens.example.com:2600/~user@host",
            "send it as `Authorization: Bearer <token>`",
            "Basic authentication is missing",
            "Bearer authentication-scheme",
            r#"Bearer realm="token-server", error="invalid_token""#,
            "${MY_CLIENT_SECRET} costs $5 or $10,000,000,000,000",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            r#""0a1b2c3d4e5f60718293a4b5c6d7e8f9""#,
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn json_stays_json_and_without_a_secret_as_it_was() {
        let clean = r#"{"a" : "b\n", "n": 1.50}"#.to_owned();
        assert_eq!(redact_json(clean.clone()), clean);

        let dirty = serde_json::json!({
            "name": format!("x\n{JWT}"), "list": [SECRET, 1], SECRET: {"tab": format!("\t{SECRET}")},
        });
        let expected = serde_json::json!({
            "name": "x\n[redacted]", "list": ["[redacted]", 1], "[redacted]": {"tab": "\t[redacted]"},
        });
        let shown = redact_json(dirty.to_string());
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn nothing_of_a_secret_is_left_wherever_it_stands(
            body in "[0-9A-Za-z]{57}", before in "[^\u{0}]{0,20}", after in "[^0-9A-Za-z_-]?",
        ) {
            let text = format!("{before}tks_{body}{after}");
            prop_assert!(!redact(&text).contains(&body[20..]), "{}", redact(&text));
        }

        #[test]
        fn redacting_never_panics_and_hides_nothing_twice(text in any::<String>()) {
            let once = redact(&text).into_owned();
            prop_assert_eq!(redact(&once), once.clone());
        }
    }
}
