//! Makes tokens, and signs what is not an access token but that others are to verify by our published keys.

use std::borrow::Cow;

use serde::Serialize;
use uuid::Uuid;

use crate::base::clock::UnixTime;
use crate::domain::{
    Audiences, Client, ClientId, Generation, Issuer, Scope, SigningAlg, TokenId, TokenTtl,
    TokenTyp, TokenType,
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

/// A signed token and what is said about it beside it. Not `Debug`: a bearer token is a secret.
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

/// A token of which everything is decided, and its JWT, which may lack the signature.
pub struct IssuedToken<'a> {
    /// The JWT.
    pub signing: Signing,
    /// What is said about it beside the JWT.
    pub details: TokenDetails<'a>,
}

/// What is said about a token beside its JWT.
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

/// The claims of an answer to an introspection (RFC 9701 §5). No `sub` and no `exp` of its own, so that
/// nobody takes it for an access token.
#[derive(Debug, Serialize)]
pub struct IntrospectionClaims<'a, T> {
    /// The issuer.
    pub iss: &'a Issuer,
    /// Whom it is for: who asked.
    pub aud: &'a ClientId,
    /// When it was given.
    pub iat: UnixTime,
    /// The answer as it stands in plain JSON.
    pub token_introspection: T,
}

impl KeySet {
    /// The algorithm of what is signed now, if others can verify it; under a symmetric key only we can.
    pub fn alg_for_others(&self) -> Option<SigningAlg> {
        let alg = self.signing()?.alg();
        alg.is_asymmetric().then_some(alg)
    }

    /// Signs `claims` as a JWT of the type `typ`; `None` when others could not verify it. An RSA signature is left to the caller.
    pub fn sign_for_others(
        &self,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<Option<Signing>, IssueError> {
        let key = self.signing().ok_or(IssueError::NoKey)?;
        let is_for_others = key.alg().is_asymmetric();
        let signing = is_for_others.then(|| key.sign_as(typ, claims));
        Ok(signing.transpose()?)
    }
}
