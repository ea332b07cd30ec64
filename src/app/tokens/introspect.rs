//! Telling a microservice about a token (RFC 7662), plainly or signed (RFC 9701).

use std::sync::Arc;

use serde::Serialize;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::verify::TokenRequirements;
use crate::domain::{Client, ErrorCode, INTROSPECT_SCOPE};
use crate::jwt::{AccessTokenClaims, IntrospectionClaims, SignedClaims};

impl Tokens {
    /// The claims of a token that is good and is the caller's business; else, in the inner result, why
    /// not: for the log only, the caller learns no more than that it is not active (RFC 7662 §2.2).
    pub async fn introspect(
        &self,
        caller: &Client,
        token: &str,
    ) -> Result<Result<Arc<SignedClaims>>> {
        let required = TokenRequirements::default();
        match self.verify_presented(token, &required).await {
            Ok(signed) if self.may_introspect(caller, &signed.claims) => {
                self.usage.count_verified(&signed.claims.client_id);
                Ok(Ok(signed))
            }
            Ok(_) => Ok(Err(Error::invalid_token(
                "the token is neither this client's nor for one of its audiences",
            ))),
            Err(error) if error.code == ErrorCode::InvalidToken => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    /// An answer to an introspection as a JWT for the caller (RFC 9701 §5).
    pub fn sign_introspection(&self, caller: &Client, answer: impl Serialize) -> Result<String> {
        let keys = self.keys.current();
        let claims = IntrospectionClaims {
            iss: keys.issuer(),
            aud: &caller.client_id,
            iat: self.core.now(),
            token_introspection: answer,
        };
        let signed = keys.sign_for_others("token-introspection+jwt", &claims);
        signed?.ok_or_else(|| {
            Error::new(
                ErrorCode::NotAcceptable,
                "this server signs with a symmetric key, under which nobody else could verify \
                 the answer; ask for application/json",
            )
        })
    }

    /// A client without audiences of its own is given tokens for the server's, which is then its one.
    fn may_introspect(&self, caller: &Client, claims: &AccessTokenClaims<'_>) -> bool {
        let default = std::slice::from_ref(&self.core.config.token.audience);
        let audiences = match caller.audiences.as_slice() {
            [] => default,
            theirs => theirs,
        };
        *claims.client_id == caller.client_id
            || claims
                .aud
                .iter()
                .any(|audience| audiences.contains(audience))
            || caller
                .scopes
                .tokens()
                .any(|scope| scope == INTROSPECT_SCOPE)
    }
}
