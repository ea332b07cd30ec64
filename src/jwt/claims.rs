//! Owns the claims of an access token (RFC 9068 §2.2), and its `cnf` (RFC 7800): what its holder has to have beside it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::base::json::writer::JsonObject;
use crate::domain::{
    Audiences, ClientId, Generation, Issuer, Metadata, Scope, Thumbprint, TokenId,
};
use crate::jwt::delegation::{self, ActClaim, Roots};

/// More than most claims take.
const ROOM: usize = 512;

// Issuing borrows the values, because each token would need a copy of them.
/// The claims of a token. A repeated claim, a missing one or one of the wrong type does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessTokenClaims<'a> {
    /// The issuer.
    pub iss: Cow<'a, Issuer>,
    /// The subject: with client credentials, the client itself.
    pub sub: Cow<'a, ClientId>,
    /// The audiences.
    pub aud: Audiences,
    /// The client that requested it.
    pub client_id: Cow<'a, ClientId>,
    /// When it was issued.
    pub iat: UnixTime,
    /// When it becomes valid.
    pub nbf: UnixTime,
    /// When it expires.
    pub exp: UnixTime,
    /// Its unique name.
    pub jti: TokenId,
    /// The granted scopes.
    pub scope: Cow<'a, Scope>,
    /// The generation that the client of `client_id` had when it was issued: it is revoked once that client has a higher one.
    #[serde(rename = "gen")]
    pub generation: Generation,
    /// The client's authorization metadata.
    pub metadata: Cow<'a, Metadata>,
    /// The key or certificate that the token is bound to (RFC 7800).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Its ancestors by token exchange.
    #[serde(
        default,
        deserialize_with = "delegation::present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub roots: Option<Roots>,
    /// The client that acts for `sub` (RFC 8693 §4.1).
    #[serde(
        default,
        deserialize_with = "delegation::act",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub act: Option<ActClaim>,
}

impl AccessTokenClaims<'_> {
    /// The name of every claim that a token has or may have.
    pub const NAMES: [&'static str; 14] = [
        "iss",
        "sub",
        "aud",
        "client_id",
        "iat",
        "nbf",
        "exp",
        "jti",
        "scope",
        "gen",
        "metadata",
        "cnf",
        "roots",
        "act",
    ];

    /// As they are signed. What serde writes of them is the same.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = JsonObject::with_capacity(ROOM);
        json.text("iss", self.iss.as_str())?;
        json.text("sub", self.sub.as_str())?;
        match self.aud.only() {
            Some(audience) => json.text("aud", audience.as_str())?,
            None => json.member("aud", &self.aud)?,
        }
        json.text("client_id", self.client_id.as_str())?;
        json.member("iat", &self.iat)?;
        json.member("nbf", &self.nbf)?;
        json.member("exp", &self.exp)?;
        json.member("jti", &self.jti)?;
        json.text("scope", self.scope.as_str())?;
        json.member("gen", &self.generation)?;
        json.member("metadata", &self.metadata)?;
        if let Some(cnf) = &self.cnf {
            json.member("cnf", cnf)?;
        }
        if let Some(roots) = &self.roots {
            json.member("roots", roots)?;
        }
        if let Some(act) = &self.act {
            json.member("act", act)?;
        }
        Ok(json.end())
    }

    /// How the token is to be sent: `DPoP` (RFC 9449 §5) or `Bearer` (RFC 6750).
    pub fn token_type(&self) -> &'static str {
        match self.cnf {
            Some(Confirmation { jkt: Some(_), .. }) => "DPoP",
            Some(_) | None => "Bearer",
        }
    }
}

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
    use crate::domain::Audience;

    #[test]
    fn claims_are_signed_as_serde_writes_them() {
        let id = ClientId::parse("a.b~c").unwrap();
        let mut claims = AccessTokenClaims {
            iss: Cow::Owned(Issuer::parse("https://a.example").unwrap()),
            sub: Cow::Borrowed(&id),
            aud: Audience::parse(r#"quotes"and\"#).unwrap().into(),
            client_id: Cow::Borrowed(&id),
            iat: UnixTime(1),
            nbf: UnixTime(2),
            exp: UnixTime(3),
            jti: TokenId::new(uuid::Uuid::nil()),
            scope: Cow::Owned(Scope::parse("read write").unwrap()),
            generation: Generation::from_number(1_795_940_508_350).unwrap(),
            metadata: Cow::Owned(Metadata::parse(r#"{"a":["ü",1.50]}"#).unwrap()),
            cnf: None,
            roots: None,
            act: None,
        };
        let roots = r#"[{"jti":"00000000000000000000000000000000","client":"a","gen":1}]"#;
        let act = r#"{"sub":"b","act":{"sub":"c"}}"#;
        for cnf in [None, Some(Confirmation::default())] {
            claims.roots = cnf.and_then(|_| json::from_str(roots).ok());
            claims.act = cnf.and_then(|_| json::from_str(act).ok());
            assert_eq!(
                [claims.roots.is_some(), claims.act.is_some()],
                [cnf.is_some(); 2]
            );
            claims.cnf = cnf;
            let json = claims.to_json().unwrap();
            assert_eq!(json, serde_json::to_vec(&claims).unwrap());
            assert_eq!(
                json::from_slice::<AccessTokenClaims<'_>>(&json).unwrap(),
                claims
            );
            let written: serde_json::Map<_, _> = json::from_slice(&json).unwrap();
            let names = AccessTokenClaims::NAMES.iter();
            let optional = ["cnf", "roots", "act"];
            let names: Vec<&str> = names
                .copied()
                .filter(|name| cnf.is_some() || !optional.contains(name))
                .collect();
            assert_eq!(written.keys().collect::<Vec<_>>(), names);
        }
    }

    #[test]
    fn a_confirmation_has_the_names_of_the_rfcs_and_no_others() {
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
