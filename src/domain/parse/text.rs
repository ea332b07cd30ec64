//! Owns the free text people write about a client. Knows nothing of where it is shown, so it
//! refuses only what is wrong everywhere: control characters and too much of it.

use crate::domain::{ParseError, text_type};

/// What people call a client; at most 200 characters, one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name(String);

/// What a client is for, whom to ask; at most 2,000 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

/// Which file a client is kept by: the name that the file gives itself; 1 to 100 characters, one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedBy(String);

impl ManagedBy {
    /// Parses the name of a file.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.trim().is_empty() {
            return Err(ParseError::new("the name of a manifest cannot be empty"));
        }
        check("the name of a manifest", text, 100, |c| !c.is_control())?;
        Ok(Self(text.to_owned()))
    }
}

impl Name {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        check("a name", text, 200, |c| !c.is_control())?;
        Ok(Self(text.to_owned()))
    }
}

impl Description {
    /// Parses a description; line breaks and tabs are part of it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        check("a description", text, 2_000, |c| {
            !c.is_control() || matches!(c, '\n' | '\r' | '\t')
        })?;
        Ok(Self(text.to_owned()))
    }
}

fn check(
    what: &str,
    text: &str,
    longest: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), ParseError> {
    if text.chars().count() > longest {
        return Err(ParseError::new(format!(
            "{what} can have at most {longest} characters"
        )));
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(ParseError::new(format!(
            "{what} cannot contain the control character {c:?}"
        ))),
        None => Ok(()),
    }
}

text_type!(ManagedBy);
text_type!(Name);
text_type!(Description);
