//! Telling a microservice about a token (RFC 7662), plainly or signed (RFC 9701).

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::rejection::Rejection;
use crate::app::tokens::verify::TokenRequirements;
use crate::domain::{Audience, Client, ErrorCode, INTROSPECT_SCOPE};
use crate::jwt::{AccessTokenClaims, IntrospectionClaims, SignedClaims, Signing};

impl Tokens {
    /// The claims of a token that is good and that the caller may introspect; else, in the inner result, why
    /// not: for the log only, the caller learns no more than that it is not active (RFC 7662 §2.2).
    pub async fn introspect(
        &self,
        caller: &Client,
        token: &str,
    ) -> Result<Result<Arc<SignedClaims>>> {
        let required = TokenRequirements::default();
        let signed = match self.verify_presented(token, &required).await {
            Ok(signed) => signed,
            Err(error) if error.code == ErrorCode::InvalidToken => return Ok(Err(error)),
            Err(error) => return Err(error),
        };
        if let Err(rejection) = self.check_introspection(caller, &signed.claims) {
            return Ok(Err(self.reject(rejection)));
        }
        self.usage.count_verified(&signed.claims.client_id);
        Ok(Ok(signed))
    }

    /// An answer to an introspection as a JWT for the caller (RFC 9701 §5), who asks from `source`.
    pub async fn sign_introspection(
        &self,
        caller: &Client,
        answer: impl Serialize,
        source: IpAddr,
    ) -> Result<String> {
        let signing = self.prepare_introspection(caller, answer)?;
        self.keys.finish(signing, Some(source)).await
    }

    fn prepare_introspection(&self, caller: &Client, answer: impl Serialize) -> Result<Signing> {
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
                "this server signs with a symmetric key, so nobody else could verify a signed answer; ask for \
                    application/json",
            )
        })
    }

    /// RFC 7662 §4: whether the token can be used at the caller. `identifiers` say what the caller is; for whom it gets
    /// tokens itself does not count. No client is this server, whatever ISSUER was when its identifiers were written.
    fn check_introspection(
        &self,
        caller: &Client,
        claims: &AccessTokenClaims<'_>,
    ) -> Result<(), Rejection> {
        let is_own = *claims.client_id == caller.client_id;
        let mut scopes = caller.scopes.tokens();
        if is_own || self.is_for(caller, claims) || scopes.any(|it| it == INTROSPECT_SCOPE) {
            return Ok(());
        }
        Err(Rejection::MissingIdentifier {
            audiences: claims.aud.to_text().into_owned(),
        })
    }

    /// Whether one of the token's audiences is an identifier of the client, and not this server.
    pub(super) fn is_for(&self, client: &Client, claims: &AccessTokenClaims<'_>) -> bool {
        let config = &self.core.config.token;
        let is_identifier =
            |it: &Audience| client.identifiers.contains(it) && !config.is_this_server(it);
        claims.aud.iter().any(is_identifier)
    }
}
