//! Owns the names of claims that a proxy asks for: each becomes a part of a header's name.

use crate::domain::{ParseError, ensure, text_type};

/// The name of a claim, as it stands in a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimName(String);

text_type!(
    ClaimName,
    |text| {
        let is_good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        (1..=64).contains(&text.len()) && text.bytes().all(is_good)
    },
    "the name of a claim must be 1 to 64 lowercase ASCII letters, digits and underscores"
);

impl ClaimName {
    /// Parses names separated by commas, each once.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ParseError> {
        let mut names = Vec::new();
        for word in text.split(',') {
            let name = Self::parse(word)?;
            ensure!(!names.contains(&name), "the claim `{name}` is repeated");
            names.push(name);
        }
        ensure!(names.len() <= 32, "a request can have at most 32 claims");
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lowercase_words_separated_by_commas() {
        let names = ClaimName::parse_list("tenant,plan_2,_").unwrap();
        let names: Vec<&str> = names.iter().map(ClaimName::as_str).collect();
        assert_eq!(names, ["tenant", "plan_2", "_"]);
        let (longest, too_long) = ("a".repeat(64), "a".repeat(65));
        assert!(ClaimName::parse(&longest).is_ok());
        for text in [
            "", ",", "a,", ",a", "a,,b", "a, b", "a b", "A", "a-b", "a.b", "a/b", "ü", "a\0",
            "a,a", &too_long,
        ] {
            assert!(ClaimName::parse_list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn there_are_at_most_32() {
        let list = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("a{n}")).collect();
            ClaimName::parse_list(&names.join(","))
        };
        assert!(list(32).is_ok());
        assert!(list(33).is_err());
    }
}
