//! Owns what is read of a SPIFFE bundle (SPIFFE Trust Domain and Bundle §4): the keys that sign JWT-SVIDs.

use serde_json::{Map, Value};

use crate::base::json;
use crate::domain::{JwkSet, ParseError, SkippedKey, ensure};

/// The keys of a trust domain that sign JWT-SVIDs.
#[derive(Clone, Debug)]
pub struct SpiffeBundle {
    /// The keys.
    pub keys: JwkSet,
    /// `spiffe_sequence`: it grows with every change of the bundle.
    pub sequence: Option<i64>,
    /// Keys for JWT-SVIDs that cannot be used.
    pub skipped: Vec<SkippedKey>,
}

impl SpiffeBundle {
    /// Parses a bundle. Keys of another `use` than `jwt-svid` are none of it: those of X.509-SVIDs sign no token.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let bundle: Map<String, Value> = json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| ParseError::new(format!("a bundle must be a JSON object: {error}")))?;
        let sequence = match bundle.get("spiffe_sequence") {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_i64().filter(|it| *it >= 0).ok_or_else(|| {
                ParseError::new("the bundle's `spiffe_sequence` is not a whole number")
            })?),
        };
        let Some(Value::Array(members)) = bundle.get("keys") else {
            return Err(ParseError::new(
                "a bundle must have its keys in the member `keys`",
            ));
        };
        let of_tokens = members.iter().filter_map(Value::as_object);
        let of_tokens = of_tokens.filter(|key| key.get("use") == Some(&Value::from("jwt-svid")));
        let keys: Vec<Value> = of_tokens.map(without_use).collect();
        ensure!(
            !keys.is_empty(),
            "the bundle has no key for JWT-SVIDs: none has the `use` jwt-svid"
        );
        let set = Map::from_iter([("keys".to_owned(), Value::Array(keys))]);
        let (keys, skipped) = JwkSet::parse_published(&Value::Object(set).to_string())?;
        Ok(Self {
            keys,
            sequence,
            skipped,
        })
    }
}

/// The key as others know it: of a JWK set that is no bundle, `jwt-svid` is no known `use`.
fn without_use(key: &Map<String, Value>) -> Value {
    let mut key = key.clone();
    key.remove("use");
    Value::Object(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn bundle(uses: &[&str], sequence: &str) -> String {
        let keys: Vec<String> = uses
            .iter()
            .map(|it| {
                format!(r#"{{"kty":"OKP","crv":"Ed25519","use":"{it}","kid":"{it}","x":"{X}"}}"#)
            })
            .collect();
        format!(
            r#"{{"keys":[{}],"spiffe_sequence":{sequence}}}"#,
            keys.join(",")
        )
    }

    #[test]
    fn only_keys_for_jwt_svids_are_read() {
        let read = SpiffeBundle::parse(&bundle(&["x509-svid", "jwt-svid"], "7")).unwrap();
        assert_eq!(read.sequence, Some(7));
        let kids: Vec<_> = read
            .keys
            .keys()
            .iter()
            .map(|it| it.kid.as_deref())
            .collect();
        assert_eq!(kids, [Some("jwt-svid")]);
        assert!(read.keys.keys()[0].verifies);
    }

    #[test]
    fn a_bundle_without_keys_for_jwt_svids_is_none() {
        for text in [
            bundle(&["x509-svid"], "1"),
            bundle(&["sig"], "1"),
            bundle(&[], "1"),
            bundle(&["jwt-svid"], "-1"),
            bundle(&["jwt-svid"], "9223372036854775808"),
            bundle(&["jwt-svid"], "\"1\""),
            "{}".to_owned(),
            "[]".to_owned(),
        ] {
            assert!(SpiffeBundle::parse(&text).is_err(), "{text}");
        }
    }
}
