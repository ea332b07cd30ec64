//! Owns the claim `cnf` (RFC 7800): what a token's holder has to have beside it. Whether somebody has it is not
//! known here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Thumbprint;

/// The confirmation of a token, `cnf` (RFC 7800). An unknown member does not parse: to ignore it would drop a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The client's certificate (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Thumbprint>,
    /// The key of its `DPoP` proofs (RFC 9449 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<Thumbprint>,
}

impl Confirmation {
    /// Whether it binds to nothing. A token of ours has no such `cnf`.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json;

    #[test]
    fn it_has_the_names_of_the_rfcs_and_no_others() {
        let cnf = Confirmation {
            certificate: Some(Thumbprint::new([0; 32])),
            jkt: Some(Thumbprint::new([255; 32])),
        };
        let json = r#"{"x5t#S256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","jkt":"__________________________________________8"}"#;

        assert_eq!(serde_json::to_string(&cnf).unwrap(), json);
        assert_eq!(json::from_str::<Confirmation>(json).unwrap(), cnf);
        for json in [r#"{"jwk":{}}"#, r#"{"jkt":"short"}"#, r#"{"jkt":1}"#, "[1]"] {
            assert!(json::from_str::<Confirmation>(json).is_err(), "{json}");
        }
    }
}
