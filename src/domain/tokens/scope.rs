//! Owns scopes (RFC 6749 §3.3): a set of case-sensitive words, written with single spaces.

use crate::domain::{ParseError, ensure, text_type};

/// A set of scope tokens in its one canonical spelling: sorted, without repetition. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(String);

/// A client's scopes travel in every token, and a token must fit into a request head.
const MAX_LENGTH: usize = 2_048;

impl Scope {
    /// Parses `scope-token *( SP scope-token )`; also takes the empty text, which is the empty set,
    /// and forgives further spaces.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        ensure!(
            text.len() <= MAX_LENGTH,
            "a scope can have at most {MAX_LENGTH} characters"
        );
        for c in text.chars() {
            ensure!(
                c == ' ' || is_scope_character(c),
                "a scope must be printable ASCII words without quotes or backslashes, separated by spaces; it cannot \
                    contain {c:?}"
            );
        }
        let mut tokens: Vec<&str> = text.split(' ').filter(|token| !token.is_empty()).collect();
        tokens.sort_unstable();
        tokens.dedup();
        Ok(Self(tokens.join(" ")))
    }

    /// Parses one scope token.
    pub fn parse_one(text: &str) -> Result<Self, ParseError> {
        let scope = Self::parse(text)?;
        ensure!(scope.tokens().count() == 1, "this must be one scope");
        Ok(scope)
    }

    /// The scope tokens, sorted.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Whether there is no token in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of these tokens that `other` does not have: why this is no subset of it.
    pub fn first_not_in<'a>(&'a self, other: &Self) -> Option<&'a str> {
        self.tokens()
            .find(|token| !other.tokens().any(|theirs| theirs == *token))
    }

    /// Those of these tokens that are `wanted`.
    #[must_use]
    pub fn filter(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let tokens: Vec<&str> = self.tokens().filter(|token| wanted(token)).collect();
        Self(tokens.join(" "))
    }

    /// Whether `other` has every token of this.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.first_not_in(other).is_none()
    }
}

/// `%x21 / %x23-5B / %x5D-7E`
fn is_scope_character(c: char) -> bool {
    c.is_ascii_graphic() && c != '"' && c != '\\'
}

text_type!(Scope);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    #[test]
    fn a_scope_is_a_set() {
        assert_eq!(scope("write read read"), scope(" read  write "));
        assert_eq!(scope("").tokens().count(), 0);
    }

    #[test]
    fn a_subset_needs_whole_words() {
        assert!(scope("read").is_subset_of(&scope("read write")));
        assert!(scope("").is_subset_of(&scope("")));
        assert!(!scope("rea").is_subset_of(&scope("read write")));
        assert_eq!(scope("read x").first_not_in(&scope("read")), Some("x"));
    }

    #[test]
    fn quotes_backslashes_controls_and_non_ascii_are_refused() {
        for text in ["a\"b", "a\\b", "a\tb", "a\nb", "a\0", "é"] {
            assert!(Scope::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_what_was_printed_changes_nothing(text in "[a-z:./ ]{0,60}") {
            let once = scope(&text);
            prop_assert_eq!(scope(once.as_str()), once);
        }

        #[test]
        fn every_scope_is_a_subset_of_itself_and_of_more(a in "[a-z ]{0,30}", b in "[a-z ]{0,30}") {
            prop_assert!(scope(&a).is_subset_of(&scope(&a)));
            let more = format!("{a} {b}");
            prop_assert!(scope(&a).is_subset_of(&scope(&more)));
        }
    }
}
