//! Makes tokens.

use uuid::Uuid;

use super::{AccessTokenClaims, Confirmation, KeyError, KeySet};
use crate::clock::UnixTime;
use crate::domain::{Audiences, Client, Scope, TokenId, TokenTtl};

/// What a client was granted.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// Who asked.
    pub client: &'a Client,
    /// What it may do.
    pub scope: Scope,
    /// With whom.
    pub audience: Audiences,
    /// For how long.
    pub ttl: TokenTtl,
    /// The client's tokens issued up to then are revoked; this one is not one of them.
    pub cutoff: Option<UnixTime>,
    /// What its holder has to have beside it.
    pub cnf: Option<Confirmation>,
}

/// A signed token and what is said about it beside it.
#[derive(Clone)]
pub struct AccessToken {
    /// The JWT in compact form.
    pub jwt: String,
    /// What it says.
    pub claims: AccessTokenClaims,
}

impl AccessToken {
    /// Seconds it lives (`expires_in`, RFC 6749 §5.1).
    pub fn expires_in(&self) -> i64 {
        self.claims.exp.since(self.claims.nbf)
    }
}

/// A bearer token is a secret: its text stays out of every log.
impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken")
            .field("jti", &self.claims.jti)
            .finish_non_exhaustive()
    }
}

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No key is known that may sign.
    #[error("no signing key is known")]
    NoKey,
    /// Signing failed.
    #[error("the token cannot be signed")]
    Signing(#[from] KeyError),
}

impl KeySet {
    /// Signs a token for what was granted, good from `now`.
    pub fn issue(&self, grant: Grant<'_>, now: UnixTime) -> Result<AccessToken, IssueError> {
        let key = self.signing().ok_or(IssueError::NoKey)?;
        let client = grant.client;
        let claims = AccessTokenClaims {
            iss: self.issuer.clone(),
            sub: client.client_id.clone(),
            aud: grant.audience,
            client_id: client.client_id.clone(),
            iat: grant.cutoff.map_or(now, |cutoff| cutoff.plus(1).max(now)),
            nbf: now,
            exp: now.plus(grant.ttl.seconds()),
            jti: TokenId::new(Uuid::now_v7()),
            scope: grant.scope,
            metadata: client.metadata.clone(),
            cnf: grant.cnf,
        };
        let jwt = key.sign(&claims)?;
        Ok(AccessToken { jwt, claims })
    }
}
