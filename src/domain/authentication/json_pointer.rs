//! Owns how a claim of a platform's token is named (RFC 6901), and which of its values can be compared.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::domain::{ParseError, ensure, text_type};

/// Where a claim is (RFC 6901): at least one step, into objects only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPointer(String);

impl JsonPointer {
    /// A claim of AWS's tokens that the caller sets as it likes, below the claim of its name.
    const CHOSEN_BY_CALLER: [&str; 2] = ["https://sts.amazonaws.com/", "request_tags"];

    /// Parses a pointer such as `/kubernetes.io/namespace`; `~1` is a slash in a name, `~0` a tilde.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut tildes = text.match_indices('~');
        let escapes =
            tildes.all(|(at, _)| matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1')));
        let is_short = (2..=512).contains(&text.len());
        ensure!(
            is_short && text.starts_with('/') && escapes && !text.chars().any(char::is_control),
            "`{text}` is not a JSON pointer such as /repository_id (RFC 6901: `~1` is a slash within a name)"
        );
        let pointer = Self(text.to_owned());
        ensure!(
            pointer.steps().take(2).ne(Self::CHOSEN_BY_CALLER),
            "the caller of AWS chooses request_tags, so they prove nothing and cannot be a condition"
        );
        Ok(pointer)
    }

    fn steps(&self) -> impl Iterator<Item = String> {
        let steps = self.0.split('/').skip(1);
        steps.map(|step| step.replace("~1", "/").replace("~0", "~"))
    }

    /// The value there as text: of a string, an integer or a boolean. Anything else is no value.
    pub fn text_in<'a>(&self, claims: &'a Map<String, Value>) -> Option<Cow<'a, str>> {
        let mut steps = self.steps();
        let mut value = claims.get(&steps.next()?)?;
        for step in steps {
            value = value.as_object()?.get(&step)?;
        }
        match value {
            Value::String(text) => Some(text.into()),
            Value::Bool(true) => Some("true".into()),
            Value::Bool(false) => Some("false".into()),
            Value::Number(number) if !number.is_f64() => Some(number.to_string().into()),
            Value::Number(_) | Value::Array(_) | Value::Object(_) | Value::Null => None,
        }
    }
}

text_type!(JsonPointer);
