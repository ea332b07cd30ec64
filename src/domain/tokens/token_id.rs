//! Owns the names of our tokens.

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{ParseError, text_traits};

// 16 bytes, because the IDs of all revoked tokens are in memory.
/// The ID of a token, `jti` (RFC 7519 §4.1.7): a UUID in its simple form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String)]
pub struct TokenId(Uuid);

impl TokenId {
    /// A name made of a UUID that was never used before.
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Parses 32 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        match Uuid::try_parse(text) {
            Ok(uuid) if text.len() == 32 => Ok(Self(uuid)),
            Ok(_) | Err(_) => Err(ParseError::new("a jti must be 32 hexadecimal digits")),
        }
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = Uuid::encode_buffer();
        serializer.serialize_str(self.0.simple().encode_lower(&mut buffer))
    }
}

text_traits!(TokenId: Deserialize);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_id_is_a_uuid_in_its_simple_form() {
        let text = "01a20aecc56873539b033944ac3233c1";
        assert_eq!(TokenId::parse(text).unwrap().to_string(), text);
        for text in [
            "",
            "01a20aec-c568-7353-9b03-3944ac3233c1",
            "{01a20aecc56873539b033944ac3233c}",
            "01a20aecc56873539b033944ac3233c",
            "01a20aecc56873539b033944ac3233cg",
        ] {
            assert!(TokenId::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_printed_is_parsed_and_json_says_the_same(bits in any::<u128>()) {
            let id = TokenId::new(Uuid::from_u128(bits));
            prop_assert_eq!(TokenId::parse(&id.to_string()), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(json, format!("\"{id}\""));
        }
    }
}
