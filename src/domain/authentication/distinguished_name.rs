//! Owns distinguished names as RFC 4514 writes them, and when two are the same. Knows nothing of
//! certificates.

use std::fmt;
use std::fmt::Write;

use crate::domain::{ParseError, ensure};

/// The names that RFC 4514 §3 and OpenSSL have for attribute types; any other is written as its number.
const TYPES: [(&str, &str); 17] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("street", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("businessCategory", "2.5.4.15"),
    ("postalCode", "2.5.4.17"),
    ("GN", "2.5.4.42"),
    ("organizationIdentifier", "2.5.4.97"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
];

/// Attribute types, as dotted numbers, and their values. Within one relative name order means nothing.
type RelativeName = Vec<(String, String)>;

/// A name such as `CN=billing,O=Acme,C=DE`: the most specific part first. Two are the same when they
/// have the same parts in the same order; values are compared character by character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<RelativeName>);

impl DistinguishedName {
    /// Parses RFC 4514, and spaces around `,`, `+` and `=` as many tools print them.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        ensure!(text.len() <= 1_024, "a subject can have at most 1024 bytes");
        let mut names = Vec::new();
        for part in split(text, ',') {
            let attributes: Result<RelativeName, ParseError> =
                split(part, '+').into_iter().map(attribute).collect();
            names.push(sorted(attributes?));
        }
        Ok(Self(names))
    }

    /// The name whose relative names are these, in a certificate's order: the most general first.
    pub fn from_relative_names(mut names: Vec<Vec<(String, String)>>) -> Self {
        names.reverse();
        Self(names.into_iter().map(sorted).collect())
    }
}

fn sorted(mut name: RelativeName) -> RelativeName {
    name.sort();
    name
}

/// Splits at a character that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (index, c) in text.char_indices() {
        if c == separator && !escaped {
            parts.push(&text[start..index]);
            start = index + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts
}

fn attribute(text: &str) -> Result<(String, String), ParseError> {
    let malformed = || {
        ParseError::new(format!(
            "a subject is written as `CN=billing,O=Acme,C=DE` (RFC 4514); `{text}` is not a part of one"
        ))
    };
    let (name, value) = text.split_once('=').ok_or_else(malformed)?;
    let name = name.trim_matches(' ');
    let number = TYPES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, number)| *number);
    let dotted = name.contains('.') && name.split('.').all(|part| part.parse::<u64>().is_ok());
    let number = number
        .or_else(|| dotted.then_some(name))
        .ok_or_else(malformed)?;
    let value = value.trim_start_matches(' ');
    if value.is_empty() || value.starts_with('#') {
        return Err(malformed());
    }
    let value = unescape(value).ok_or_else(malformed)?;
    Ok((number.to_owned(), value))
}

/// RFC 4514 §2.4: a backslash before a special character, or before two hexadecimal digits of UTF-8.
fn unescape(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    // How much of it may not be trimmed: an escaped space at the end belongs to the value.
    let mut kept = 0;
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'\\' {
            let escaped = rest.next()?;
            if escaped.is_ascii_hexdigit() {
                let pair = [escaped, rest.next()?];
                let digits = std::str::from_utf8(&pair).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            } else if b" \"#+,;<=>\\".contains(&escaped) {
                bytes.push(escaped);
            } else {
                return None;
            }
            kept = bytes.len();
        } else {
            bytes.push(byte);
            if byte != b' ' {
                kept = bytes.len();
            }
        }
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char(',')?;
            }
            for (index, (number, value)) in name.iter().enumerate() {
                if index > 0 {
                    f.write_char('+')?;
                }
                let known = TYPES.iter().find(|(_, theirs)| theirs == number);
                f.write_str(known.map_or(number, |(name, _)| name))?;
                f.write_char('=')?;
                write_escaped(f, value)?;
            }
        }
        Ok(())
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' => write!(f, "\\{c}")?,
            '#' if index == 0 => f.write_str("\\#")?,
            ' ' if index == 0 || index == last => f.write_str("\\ ")?,
            c if c.is_ascii_control() => write!(f, "\\{:02x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap()
    }

    #[test]
    fn spelling_does_not_matter_but_values_and_order_do() {
        assert_eq!(name("cn = a, 2.5.4.10 = Acme"), name("CN=a,O=Acme"));
        assert_eq!(name("OU=x+CN=a"), name("CN=a+OU=x"));
        assert_ne!(name("CN=a,O=Acme"), name("O=Acme,CN=a"));
        assert_ne!(name("CN=a"), name("CN=A"));
        assert_ne!(name("CN=a,O=b"), name("CN=a\\,O\\=b"));
        assert_eq!(
            DistinguishedName::from_relative_names(vec![
                vec![("2.5.4.10".to_owned(), "Acme".to_owned())],
                vec![("2.5.4.3".to_owned(), "a, b ".to_owned())],
            ])
            .to_string(),
            "CN=a\\, b\\ ,O=Acme"
        );
    }

    #[test]
    fn the_examples_of_rfc_4514_are_read() {
        for text in [
            "UID=jsmith,DC=example,DC=net",
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
            "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
            "CN=Before\\0dAfter,DC=example,DC=net",
        ] {
            assert_eq!(name(&name(text).to_string()), name(text));
        }
        assert_eq!(name("CN=Lu\\C4\\8Di\\C4\\87"), name("CN=Lučić"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "", "a", "CN=", "CN=a,", "XX=a", "1..2=a", "CN=#0401", "CN=\\", "CN=\\z", "CN=\\ff",
        ] {
            assert!(DistinguishedName::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_what_was_printed_changes_nothing(values in prop::collection::vec("\\PC{1,12}", 1..4)) {
            let names = values.into_iter().map(|value| vec![("2.5.4.3".to_owned(), value)]).collect();
            let name = DistinguishedName::from_relative_names(names);
            prop_assert_eq!(DistinguishedName::parse(&name.to_string()).unwrap(), name);
        }
    }
}
