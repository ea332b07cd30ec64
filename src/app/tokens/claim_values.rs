//! Owns what a proxy hands on of a token's claims. Each claim that it asks for is required, so that a proxy always gets
//! all that it asked for, and can replace what its caller sent under the same names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::value::RawValue;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::rejection::Rejection;
use crate::base::json;
use crate::domain::{ClaimName, ClientId};
use crate::jwt::{AccessTokenClaims, SignedClaims};

/// What a proxy wants to hand on of a token.
#[derive(Clone, Debug, Default)]
pub struct RequestedClaims {
    /// Claims of the token itself, or members of its `metadata`.
    pub names: Vec<ClaimName>,
    /// The whole of `metadata`.
    pub metadata: bool,
}

/// Marks a value in base64url.
const ENCODED: &str = "b64:";

impl Tokens {
    /// The values of these claims in their order, as [`header_text`] writes them. A claim that the token lacks is an error.
    pub fn claim_values(&self, signed: &SignedClaims, names: &[ClaimName]) -> Result<Vec<String>> {
        let metadata = members(signed.claims.metadata.as_str())?;
        let is_own = |name: &ClaimName| AccessTokenClaims::NAMES.contains(&name.as_str());
        let own = if names.iter().any(is_own) {
            members(&signed.json)?
        } else {
            BTreeMap::new()
        };
        let values = names.iter().map(|name| {
            let object = if is_own(name) { &own } else { &metadata };
            let value = object.get(name.as_str()).copied();
            match value.filter(|value| value.get() != "null") {
                Some(value) => header_text(value),
                None => Err(self.reject(Rejection::MissingClaim(name.clone()))),
            }
        });
        values.collect()
    }

    /// The whole of `metadata`, as base64url.
    pub fn metadata_value(signed: &SignedClaims) -> String {
        URL_SAFE_NO_PAD.encode(signed.claims.metadata.as_str())
    }

    /// The error of claims that take `bytes` as headers, and may take `limit`.
    pub fn oversized_claims(&self, client_id: &ClientId, bytes: usize, limit: usize) -> Error {
        tracing::warn!(
            client_id = client_id.as_str(),
            bytes,
            limit,
            "refused a token at /verify: the requested claims are larger than MAX_CLAIM_HEADERS"
        );
        self.reject(Rejection::OversizedClaims)
    }

    pub(super) fn reject(&self, rejection: Rejection) -> Error {
        self.rejections.count(&rejection);
        rejection.into()
    }
}

fn members(object: &str) -> Result<BTreeMap<Cow<'_, str>, &RawValue>> {
    json::from_str(object).map_err(Error::internal)
}

/// A text as it is, anything else as JSON. What is not visible ASCII (RFC 5234: `VCHAR`) is `b64:` and base64url: an empty
/// text too, since some proxies drop a header without a value, and one that begins with `b64:` itself.
fn header_text(value: &RawValue) -> Result<String> {
    let json = value.get();
    let text: Cow<'_, str> = if json.starts_with('"') {
        json::from_str::<String>(json)
            .map_err(Error::internal)?
            .into()
    } else {
        json.into()
    };
    let is_visible = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if is_visible && !text.starts_with(ENCODED) {
        return Ok(text.into_owned());
    }
    Ok(format!(
        "{ENCODED}{}",
        URL_SAFE_NO_PAD.encode(text.as_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(json: &str) -> String {
        let value = RawValue::from_string(json.to_owned()).unwrap();
        header_text(&value).unwrap()
    }

    #[test]
    fn visible_ascii_stays_and_everything_else_is_encoded() {
        for (json, text) in [
            (r#""acme""#, "acme"),
            (r#""a,b;c=\"d\"""#, r#"a,b;c="d""#),
            ("7", "7"),
            ("1.50", "1.50"),
            ("true", "true"),
            (r#"["a","b"]"#, r#"["a","b"]"#),
            (r#""""#, "b64:"),
            (r#""a b""#, "b64:YSBi"),
            (r#""Zürich""#, "b64:WsO8cmljaA"),
            (r#""a\r\nX-Admin: 1""#, "b64:YQ0KWC1BZG1pbjogMQ"),
            (r#""b64:""#, "b64:YjY0Og"),
            (r#"{"a":"ü"}"#, "b64:eyJhIjoiw7wifQ"),
        ] {
            assert_eq!(written(json), text, "{json}");
        }
    }

    proptest! {
        #[test]
        fn a_text_can_always_be_read_back(text in any::<String>()) {
            let value = written(&serde_json::to_string(&text).unwrap());

            prop_assert!(!value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic()));
            let read = match value.strip_prefix(ENCODED) {
                Some(encoded) => String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap(),
                None => value,
            };
            prop_assert_eq!(read, text);
        }
    }
}
