//! Signs what is not an access token but that others are to verify by our published keys.

use serde::Serialize;

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, Issuer, SigningAlg};
use crate::jwt::{IssueError, KeySet, Signing};

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
        if key.alg().is_asymmetric() {
            Ok(Some(key.sign_as(typ, claims)?))
        } else {
            Ok(None)
        }
    }
}
