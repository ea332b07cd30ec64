//! Issuing tokens and judging them.

use std::sync::Arc;

use super::App;
use crate::domain::{Audience, Client, Scope};
use crate::error::{Error, Result};
use crate::token::{AccessToken, Grant, SignedClaims};

/// What a client asks for (RFC 6749 §4.4.2, RFC 8707 §2).
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// `None` or empty: all that the client may have.
    pub scope: Option<Scope>,
    /// `None`: the client's first, else the server's.
    pub audience: Option<Audience>,
}

/// What a microservice requires of a token beside being good.
#[derive(Clone, Debug, Default)]
pub struct TokenRequirements {
    /// All of it must have been granted.
    pub scope: Option<Scope>,
    /// Must be the token's.
    pub audience: Option<Audience>,
}

impl App {
    /// Issues a token to a client that has proved itself.
    pub fn issue_token(&self, client: &Client, request: TokenRequest) -> Result<AccessToken> {
        let grant = Grant {
            client,
            scope: grant_scope(client, request.scope)?,
            audience: self.grant_audience(client, request.audience)?,
            ttl: client.token_ttl.unwrap_or(self.config.token.ttl),
        };
        Ok(self.keys().issue(grant, self.clock.now())?)
    }

    /// The claims of a token that is ours, good now, not revoked, and all that is required.
    /// Touches no database.
    pub fn verify_token(
        &self,
        token: &str,
        required: &TokenRequirements,
    ) -> Result<Arc<SignedClaims>> {
        let signed = self.verified.verify(token, &self.keys())?;
        let claims = &signed.claims;
        claims.check_times(self.clock.now())?;
        if self.revocations.contains(claims) {
            return Err(Error::invalid_token("the token is revoked"));
        }
        if required
            .audience
            .as_ref()
            .is_some_and(|audience| *audience != claims.aud)
        {
            return Err(Error::invalid_token("the token is for another audience"));
        }
        if let Some(scope) = &required.scope
            && let Some(missing) = scope.first_not_in(&claims.scope)
        {
            return Err(Error::insufficient_scope(missing, scope.as_str()));
        }
        Ok(signed)
    }

    fn grant_audience(&self, client: &Client, asked: Option<Audience>) -> Result<Audience> {
        let default = || {
            client
                .audiences
                .first()
                .unwrap_or(&self.config.token.audience)
        };
        match asked {
            None => Ok(default().clone()),
            Some(audience) if client.audiences.contains(&audience) => Ok(audience),
            Some(audience) if client.audiences.is_empty() && audience == *default() => Ok(audience),
            Some(audience) => Err(Error::invalid_target(format!(
                "the audience `{audience}` is not among this client's"
            ))),
        }
    }
}

fn grant_scope(client: &Client, asked: Option<Scope>) -> Result<Scope> {
    match asked {
        None => Ok(client.scopes.clone()),
        Some(scope) if scope.is_empty() => Ok(client.scopes.clone()),
        Some(scope) => match scope.first_not_in(&client.scopes) {
            None => Ok(scope),
            Some(missing) => Err(Error::invalid_scope(format!(
                "the scope `{missing}` is not among this client's"
            ))),
        },
    }
}
