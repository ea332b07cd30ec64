//! Owns the claims of an access token (RFC 9068 §2.2).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Confirmation;
use crate::clock::UnixTime;
use crate::domain::{Audiences, ClientId, Issuer, Metadata, Scope, TokenId};

/// What a token says. A repeated claim, a missing one or one of the wrong type does not parse. Issuing borrows from
/// what was granted, of which a copy would be made for each token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims<'a> {
    /// Whom it is from.
    pub iss: Cow<'a, Issuer>,
    /// Whom it is about: with client credentials, the client itself.
    pub sub: Cow<'a, ClientId>,
    /// Whom it is for.
    pub aud: Audiences,
    /// Who asked for it.
    pub client_id: Cow<'a, ClientId>,
    /// When it was issued.
    pub iat: UnixTime,
    /// From when it is good.
    pub nbf: UnixTime,
    /// Until when it is good.
    pub exp: UnixTime,
    /// Its name: no two are alike.
    pub jti: TokenId,
    /// What was granted.
    pub scope: Cow<'a, Scope>,
    /// The client's authorization metadata.
    pub metadata: Cow<'a, Metadata>,
    /// What its holder has to have beside it (RFC 7800).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

impl AccessTokenClaims<'_> {
    /// How the token is to be sent: `DPoP` (RFC 9449 §5) or `Bearer` (RFC 6750).
    pub fn token_type(&self) -> &'static str {
        match self.cnf {
            Some(Confirmation { jkt: Some(_), .. }) => "DPoP",
            Some(_) | None => "Bearer",
        }
    }
}
