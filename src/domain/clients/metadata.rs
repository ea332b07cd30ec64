//! Owns a client's authorization metadata: the JSON object an operator sets and every token carries.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::base::json;
use crate::domain::{ParseError, ensure, text_traits};

/// A JSON object, at most 8 KiB when written without spaces.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Metadata(Box<RawValue>);

text_traits!(Metadata: Display, FromStr, Eq);

const MAX_BYTES: usize = 8 * 1024;

impl Metadata {
    /// Parses a JSON object and drops the spaces between its parts. Names keep their order.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let object: serde_json::Map<String, serde_json::Value> = json::from_str(text)
            .map_err(|error| ParseError::new(format!("metadata is not a JSON object: {error}")))?;
        Self::from_object(&object)
    }

    /// Takes an object that was parsed already.
    pub fn from_object(
        object: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, ParseError> {
        let raw = serde_json::value::to_raw_value(object)
            .map_err(|error| ParseError::new(format!("metadata is not JSON: {error}")))?;
        let bytes = raw.get().len();
        ensure!(
            bytes <= MAX_BYTES,
            "metadata can have at most {MAX_BYTES} bytes; this has {bytes}"
        );
        Ok(Self(raw))
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self(RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

/// Reads the claim of a token. It was parsed when the operator set it and is under our signature,
/// so only its being an object is looked at again.
impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('{') {
            Ok(Self(raw))
        } else {
            Err(serde::de::Error::custom("metadata is not a JSON object"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_an_object_without_needless_spaces() {
        let metadata = Metadata::parse("{ \"tenant\" : \"a b\",\n \"limits\": [1, 2] }").unwrap();
        assert_eq!(metadata.as_str(), r#"{"tenant":"a b","limits":[1,2]}"#);
        assert_eq!(Metadata::default().as_str(), "{}");
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for text in ["", "null", "[]", "1", "\"a\"", "{", "{} {}", "{a:1}"] {
            assert!(Metadata::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_over_8_kib_and_nothing_too_deep() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(8 * 1024));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500), "]".repeat(500));
        assert!(Metadata::parse(&long).is_err());
        assert!(Metadata::parse(&deep).is_err());
    }
}
