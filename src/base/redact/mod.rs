//! Owns the forms that secrets and tokens have, and hides what has one of them wherever it stands. Knows nothing of this
//! service. Error texts, log lines and audit events come here.

mod forms;

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::base::json;
use forms::find_in_word;

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// The target of log events whose texts are redacted where they are made: the line of each request, of which there are
/// thousands a second.
pub(crate) const REDACTED_TARGET: &str = "token_server::requests";

/// Shorter texts hold no secret that could be recognised.
const SHORTEST: usize = 12;

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
    let Ok(value) = json::from_str::<Value>(&json) else {
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

/// The first secret from `from` on.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    if text.len() < SHORTEST {
        return None;
    }
    // Every form begins and ends with an ASCII character.
    let bytes = text.as_bytes();
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

#[cfg(test)]
mod tests {
    use base64::Engine;
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
            ("the scope `", SECRET, "` is not one of this client's"),
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
        assert_eq!(json::from_str::<Value>(&shown).unwrap(), expected);
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
