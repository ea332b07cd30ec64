//! Makes tokens.

use std::borrow::Cow;

use uuid::Uuid;

use crate::base::clock::UnixTime;
use crate::domain::{
    Audiences, Client, ClientId, Generation, Scope, TokenId, TokenTtl, TokenTyp, TokenType,
};
use crate::jwt::{AccessTokenClaims, Confirmation, Delegation, KeyError, KeySet, Signing};

/// What a client was granted.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// Who asked.
    pub client: &'a Client,
    /// The generation that the token gets.
    pub generation: Generation,
    /// What it may do.
    pub scope: Cow<'a, Scope>,
    /// With whom.
    pub audience: Audiences,
    /// For how long.
    pub ttl: TokenTtl,
    /// What its header says that it is.
    pub typ: TokenTyp,
    /// What its holder has to have beside it.
    pub cnf: Option<Confirmation>,
    /// What it takes over from the token that it is exchanged for; `None`: the client acts for itself.
    pub delegation: Option<Delegation>,
}

/// A signed token and what is said about it beside it.
#[derive(Clone)]
pub struct AccessToken<'a> {
    /// The JWT in compact form.
    pub jwt: String,
    /// Its name.
    pub jti: TokenId,
    /// The client that it was issued to.
    pub client_id: &'a ClientId,
    /// The granted scopes.
    pub scope: Cow<'a, Scope>,
    /// Seconds it lives (`expires_in`, RFC 6749 §5.1).
    pub expires_in: i64,
    /// How it is to be sent (RFC 6749 §7.1).
    pub token_type: &'static str,
    /// What came of an exchange (RFC 8693 §2.2.1); `None`: it is of no exchange.
    pub issued_token_type: Option<TokenType>,
}

/// A bearer token is a secret: its text stays out of every log.
impl std::fmt::Debug for AccessToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken")
            .field("jti", &self.jti)
            .finish_non_exhaustive()
    }
}

/// A token of which everything is decided, and its JWT, which may lack the signature.
#[derive(Debug)]
pub struct IssuedToken<'a> {
    /// The JWT.
    pub signing: Signing,
    /// What is said about it beside the JWT.
    pub details: TokenDetails<'a>,
}

/// What is said about a token beside its JWT.
#[derive(Debug)]
pub struct TokenDetails<'a> {
    jti: TokenId,
    client_id: &'a ClientId,
    scope: Cow<'a, Scope>,
    expires_in: i64,
    token_type: &'static str,
}

impl<'a> TokenDetails<'a> {
    /// The token, with its JWT in compact form.
    pub fn with_jwt(self, jwt: String) -> AccessToken<'a> {
        AccessToken {
            jwt,
            jti: self.jti,
            client_id: self.client_id,
            scope: self.scope,
            expires_in: self.expires_in,
            token_type: self.token_type,
            issued_token_type: None,
        }
    }
}

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No key is known that may sign.
    #[error("the server has no signing key")]
    NoKey,
    /// Signing failed.
    #[error("the token cannot be signed")]
    Signing(#[from] KeyError),
}

impl KeySet {
    /// Issues a token for what was granted, good from `now`. An RSA signature is left to the caller.
    pub fn issue<'a>(
        &self,
        grant: Grant<'a>,
        now: UnixTime,
    ) -> Result<IssuedToken<'a>, IssueError> {
        let key = self.signing().ok_or(IssueError::NoKey)?;
        let client = grant.client;
        let subject = grant.delegation.as_ref().map(|it| &it.subject.claims);
        let expires_at = now.plus(grant.ttl.seconds());
        let claims = AccessTokenClaims {
            iss: Cow::Borrowed(&self.issuer),
            sub: Cow::Borrowed(subject.map_or(&client.client_id, |it| &it.sub)),
            aud: grant.audience,
            client_id: Cow::Borrowed(&client.client_id),
            iat: now,
            nbf: now,
            exp: subject.map_or(expires_at, |it| expires_at.min(it.exp)),
            jti: TokenId::new(Uuid::now_v7()),
            scope: Cow::Borrowed(&grant.scope),
            generation: grant.generation,
            metadata: Cow::Borrowed(subject.map_or(&client.metadata, |it| &it.metadata)),
            cnf: grant.cnf,
            roots: grant.delegation.as_ref().map(|it| it.roots.clone()),
            act: grant.delegation.as_ref().map(|it| it.act.clone()),
        };
        let signing = key.sign(grant.typ, &claims)?;
        let details = TokenDetails {
            client_id: &client.client_id,
            expires_in: claims.exp.since(claims.nbf),
            token_type: claims.token_type(),
            jti: claims.jti,
            scope: grant.scope,
        };
        Ok(IssuedToken { signing, details })
    }
}
