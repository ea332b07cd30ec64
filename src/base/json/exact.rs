//! Owns the check that nothing of a JSON text is lost when it is read into values: no object has a member twice, and every
//! number keeps its digits.

use std::collections::HashSet;
use std::fmt;

use serde_json::Number;
use serde_json::value::RawValue;

use crate::base::json;
use crate::base::json::members::Members;
use crate::base::redact::redact;

/// No deeper value can be read into `Value` (the limit of `serde_json`).
const MAX_DEPTH: usize = 128;

/// What of a text would be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inexact {
    /// An object has a member of this name twice.
    Repeated(String),
    /// A number would have other digits; the name is that of the member it stands in, if there is one.
    Digits(Option<String>),
}

impl fmt::Display for Inexact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated(name) => write!(f, "the member `{}` is repeated", redact(name)),
            Self::Digits(Some(name)) => write!(
                f,
                "a number in `{}` would lose digits: write it in quotes",
                redact(name)
            ),
            Self::Digits(None) => f.write_str("a number would lose digits: write it in quotes"),
        }
    }
}

/// Checks a JSON text. One that is malformed or too deep is left to its reader, which refuses it.
pub(crate) fn check(text: &str) -> Result<(), Inexact> {
    check_value(text.trim(), None, 0)
}

fn check_value(text: &str, name: Option<&str>, depth: usize) -> Result<(), Inexact> {
    match text.bytes().next() {
        _ if depth > MAX_DEPTH => Ok(()),
        Some(b'{') => {
            let mut names = HashSet::new();
            for (name, value) in
                json::from_str::<Members<&RawValue>>(text).map_or_else(|_| Vec::new(), |it| it.0)
            {
                check_value(value.get(), Some(&name), depth + 1)?;
                if let Some(twice) = names.replace(name) {
                    return Err(Inexact::Repeated(twice));
                }
            }
            Ok(())
        }
        Some(b'[') => json::from_str::<Vec<&RawValue>>(text)
            .unwrap_or_default()
            .into_iter()
            .try_for_each(|item| check_value(item.get(), name, depth + 1)),
        Some(b'-' | b'0'..=b'9') => match json::from_str::<Number>(text) {
            Ok(number) if number.to_string() != text => {
                Err(Inexact::Digits(name.map(str::to_owned)))
            }
            Ok(_) | Err(_) => Ok(()),
        },
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_member_is_found_at_any_depth() {
        let twice = |name: &str| Err(Inexact::Repeated(name.to_owned()));
        for (text, found) in [
            (r#"{"a":1,"b":{"a":2}}"#, Ok(())),
            (r#" {"a":1,"a":1} "#, twice("a")),
            (r#"{"a":[{"b":1},{"c":1,"\u0063":2}]}"#, twice("c")),
        ] {
            assert_eq!(check(text), found, "{text}");
        }
    }

    #[test]
    fn a_number_that_would_change_is_found() {
        for text in [
            "1",
            "-1",
            "0",
            "1.5",
            "1.0",
            "18446744073709551615",
            "[0.1]",
            "\"1.10\"",
            "{",
            "",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in [
            "1.10",
            "1e3",
            "18446744073709551616",
            "0.1234567890123456789",
            "-0.10",
        ] {
            let text = format!(r#"{{"limits":[{text}]}}"#);
            let found = check(&text);
            assert_eq!(
                found,
                Err(Inexact::Digits(Some("limits".to_owned()))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_text_of_any_depth_is_checked_without_harm() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(check(&deep), Ok(()));
    }
}
