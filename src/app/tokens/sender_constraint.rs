//! Tokens that are good in the hands of their client only: bound to its certificate (RFC 8705 §3) or to the key of
//! its `DPoP` proofs (RFC 9449). What a sender shows in, whether it is the one out.

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::base::secret::Secret;
use crate::config::DpopNonceUse;
use crate::domain::{Client, HttpUri, Thumbprint};
use crate::jwt::{AccessTokenClaims, Confirmation, DpopProof, DpopRules};

/// What the sender of a request shows of what it has.
#[derive(Debug, Default)]
pub struct SenderProofs {
    /// The certificate it connected with; that it has the key is proved.
    pub certificate: Option<Thumbprint>,
    /// A `DPoP` proof.
    pub dpop: Option<PresentedProof>,
}

/// A `DPoP` proof, unchecked, and the request it was sent with.
#[derive(Debug)]
pub struct PresentedProof {
    /// As it was sent.
    pub jwt: Secret<String>,
    /// The method of the request.
    pub method: String,
    /// The URL of the request.
    pub uri: HttpUri,
}

impl Tokens {
    /// What a token for this client is bound to.
    pub(in crate::app::tokens) async fn confirm(
        &self,
        client: &Client,
        proofs: &SenderProofs,
    ) -> Result<Option<Confirmation>> {
        let wants_certificate = client
            .sender_constraint
            .tls_client_certificate_bound_access_tokens;
        let cnf = Confirmation {
            certificate: proofs.certificate.filter(|_| wants_certificate),
            jkt: match &proofs.dpop {
                None => None,
                Some(presented) => Some(Box::pin(self.check_token_request_proof(presented)).await?),
            },
        };
        Ok(Some(cnf).filter(|cnf| !cnf.is_empty()))
    }

    /// Whether who sends `token` has what it is bound to.
    pub async fn check_possession(
        &self,
        token: &str,
        claims: &AccessTokenClaims<'_>,
        proofs: &SenderProofs,
    ) -> Result<()> {
        let cnf = claims.cnf.unwrap_or_default();
        if let Some(certificate) = cnf.certificate
            && proofs.certificate != Some(certificate)
        {
            return Err(Error::invalid_token(match proofs.certificate {
                None => "the token is bound to a certificate, but the request has none",
                Some(_) => "the token is bound to another certificate",
            }));
        }
        match (cnf.jkt, &proofs.dpop) {
            (Some(jkt), Some(presented)) => {
                let proof = self.check_proof(presented, Some(token))?;
                if proof.jkt != jkt {
                    return Err(Error::invalid_token(
                        "the token is bound to a key, but not to the DPoP proof's",
                    ));
                }
                self.use_proof(&proof).await
            }
            (Some(_), None) => Err(Error::invalid_token(
                "the token is bound to a key: send it with the scheme DPoP and a DPoP proof",
            )),
            (None, Some(_)) => Err(Error::invalid_token(
                "the token is not bound to a key: send it with the scheme Bearer",
            )),
            (None, None) if cnf.is_empty() && claims.cnf.is_some() => Err(Error::invalid_token(
                "the token is bound by a method that this server does not know",
            )),
            (None, None) => Ok(()),
        }
    }

    /// The nonce that clients are to put into their next proofs, if they are to.
    pub fn dpop_nonce(&self) -> Option<String> {
        (self.core.config.dpop.nonce != DpopNonceUse::Off)
            .then(|| self.dpop_nonces.current(self.core.now()))
    }

    /// The URL of an endpoint of this server as its callers know it.
    pub fn endpoint_uri(&self, path: &str) -> Result<HttpUri> {
        let uri = self.core.config.token.issuer.endpoint(path);
        Ok(HttpUri::parse(&uri)?)
    }

    async fn check_token_request_proof(&self, presented: &PresentedProof) -> Result<Thumbprint> {
        let proof = self.check_proof(presented, None)?;
        self.use_proof(&proof).await?;
        Ok(proof.jkt)
    }

    /// Everything but whether it is new.
    fn check_proof(
        &self,
        presented: &PresentedProof,
        access_token: Option<&str>,
    ) -> Result<DpopProof> {
        let now = self.core.now();
        let rules = DpopRules {
            method: &presented.method,
            uri: &presented.uri,
            access_token,
            max_age: self.core.config.dpop.max_age,
        };
        let proof = DpopProof::check(presented.jwt.expose(), rules, now)?;
        let known = |nonce: &String| self.dpop_nonces.knows(nonce, now);
        match (self.core.config.dpop.nonce, &proof.nonce) {
            (DpopNonceUse::Off, _) | (DpopNonceUse::Offered, None) => Ok(proof),
            (_, Some(nonce)) if known(nonce) => Ok(proof),
            (_, Some(_)) => Err(Error::use_dpop_nonce(
                "the nonce of the DPoP proof has expired; use the one in DPoP-Nonce",
            )),
            (DpopNonceUse::Required, None) => Err(Error::use_dpop_nonce(
                "the DPoP proof needs a nonce: the one in DPoP-Nonce",
            )),
        }
    }

    /// Last of all: only who has the key may write a row.
    async fn use_proof(&self, proof: &DpopProof) -> Result<()> {
        let (jkt, end) = (proof.jkt.to_string(), proof.good_until);
        let single_use = &self.single_use;
        let used = single_use.use_once("dpop_proof", &jkt, &proof.jti, end);
        if used.await? {
            return Ok(());
        }
        Err(Error::invalid_dpop_proof(
            "the DPoP proof was used before; each one needs a new `jti`",
        ))
    }
}

/// Refuses a client that shows less than its tokens must be bound to.
pub(crate) fn check_bound(client: &Client, cnf: Option<Confirmation>) -> Result<()> {
    let (constraint, cnf) = (client.sender_constraint, cnf.unwrap_or_default());
    if constraint.tls_client_certificate_bound_access_tokens && cnf.certificate.is_none() {
        return Err(Error::invalid_request(
            "this client's tokens are bound to its certificate: connect with a client certificate",
        ));
    }
    if constraint.dpop_bound_access_tokens && cnf.jkt.is_none() {
        return Err(Error::invalid_dpop_proof(
            "this client's tokens are bound to a key: send a DPoP proof",
        ));
    }
    Ok(())
}
