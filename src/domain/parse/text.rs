//! Owns the free text people write about a client. Knows nothing of where it is shown, so it
//! refuses only what is wrong everywhere: control characters and too much of it.

use crate::domain::{ParseError, ensure, text_type};

/// What people call a client; at most 200 characters, one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name(String);

/// What a client is for, whom to ask; at most 2,000 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

/// Which file a client is kept by: the name that the file gives itself; 1 to 100 characters, one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedBy(String);

text_type!(ManagedBy);
text_type!(Name);
text_type!(Description);

impl ManagedBy {
    /// Parses the name of a file.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        ensure!(
            !text.trim().is_empty(),
            "the name of a manifest cannot be empty"
        );
        check("the name of a manifest", text, 100, &[]).map(Self)
    }
}

impl Name {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        check("a name", text, 200, &[]).map(Self)
    }
}

impl Description {
    /// Parses a description; line breaks and tabs are part of it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        check("a description", text, 2_000, &['\n', '\r', '\t']).map(Self)
    }
}

/// The text, if it is short enough and has no other control characters than these.
fn check(what: &str, text: &str, longest: usize, allowed: &[char]) -> Result<String, ParseError> {
    ensure!(
        text.chars().count() <= longest,
        "{what} can have at most {longest} characters"
    );
    for c in text.chars().filter(|c| c.is_control()) {
        ensure!(
            allowed.contains(&c),
            "{what} cannot contain the control character {c:?}"
        );
    }
    Ok(text.to_owned())
}
