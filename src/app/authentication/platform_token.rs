//! Tokens of platforms (RFC 7523 §2.2 with an issuer that is not the client): a token of a trusted issuer, which an identity
//! of the client names.
//!
//! What is wrong with a token by itself is told. What depends on issuers, identities and clients is one answer.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::authentication::client_assertion::{AssertionType, PresentedAssertion};
use crate::app::authentication::keyed_proof::KeyedProof;
use crate::app::authentication::{AuthenticatedClient, Authentication};
use crate::app::error::{Error, Result};
use crate::app::issuers::LoadedIssuer;
use crate::base::printable::printable;
use crate::domain::{Client, ClientId, ClientIdentity, IssuerName, Replay};
use crate::jwt::{JudgedRules, PlatformToken};

/// The longest claim of a refused token that is told, in characters.
const MAX_CLAIM: usize = 300;

/// By which identity a client has proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenIdentity {
    /// At which issuer.
    pub issuer: IssuerName,
    /// Which of the client's identities the token satisfies.
    pub identity: ClientIdentity,
    /// The claim `sub` of the token.
    pub subject: String,
    /// The claim `jti` of the token.
    pub jti: Option<String>,
}

/// A token that is right by itself, and the issuers that it may be of.
pub(super) struct PlatformProof<'a> {
    token: &'a PlatformToken<'a>,
    candidates: Vec<Arc<LoadedIssuer>>,
    /// Whether the only candidate has verified it already.
    is_verified: bool,
    /// The issuer and the identity by which a client was last found.
    proven: Mutex<Option<(Arc<LoadedIssuer>, ClientIdentity)>>,
}

impl PlatformProof<'_> {
    fn proven(&self) -> MutexGuard<'_, Option<(Arc<LoadedIssuer>, ClientIdentity)>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authentication {
    /// Finds the client that a platform's token proves. `claimed`: the `client_id` beside it.
    pub(super) async fn authenticate_by_platform_token(
        &self,
        token: PlatformToken<'_>,
        presented: &PresentedAssertion,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let judged = Box::pin(self.judge_log_in(&token, presented, source)).await;
        judged.map_err(|error| name_token(error, &token))
    }

    async fn judge_log_in(
        &self,
        token: &PlatformToken<'_>,
        presented: &PresentedAssertion,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let claimed = match presented.client_id.as_deref().map(ClientId::parse) {
            Some(Err(_)) => {
                let refusal = Error::invalid_client("unknown client");
                return Err(self.refuse(refusal, None, source).await);
            }
            Some(Ok(id)) => Some(id),
            None => None,
        };
        let is_spiffe = presented.assertion_type == AssertionType::JwtSpiffe;
        if let Err(refusal) = self.check_alone(token, is_spiffe) {
            return Err(self.refuse(refusal, claimed.as_ref(), source).await);
        }
        let candidates = self.issuers.candidates(token, is_spiffe).await?;
        if candidates.is_empty() {
            let reason = format!(
                "no enabled trusted issuer has the iss `{}` of the assertion, or the trust domain of its sub `{}`",
                token.iss().unwrap_or_default(),
                token.sub()
            );
            let refusal = Error::invalid_client(reason);
            return Err(self.refuse(refusal, claimed.as_ref(), source).await);
        }
        let mut proof = PlatformProof {
            token,
            candidates,
            is_verified: false,
            proven: Mutex::default(),
        };
        let claimed = match claimed {
            Some(claimed) => claimed,
            None => match self.find_by_token(&mut proof).await? {
                Ok(id) => id,
                Err(reason) => {
                    let refusal = Error::invalid_client(reason);
                    return Err(self.refuse(refusal, None, source).await);
                }
            },
        };
        let keyed = KeyedProof::Platform(&proof);
        let client = self.authenticate_by_key(&claimed, keyed, source).await?;
        let client = self.use_platform_token(client, &proof, source).await?;
        log_proven(&client, presented.endpoint);
        Ok(client)
    }

    fn check_alone(&self, token: &PlatformToken<'_>, is_spiffe: bool) -> Result<()> {
        let mut rules = JudgedRules::only_failed();
        token.judge_alone(self.core.now(), &mut rules);
        if let Some(rule) = rules.failure() {
            return Err(Error::invalid_authentication(rule.sentence()));
        }
        if is_spiffe && token.spiffe_id().is_none() {
            return Err(Error::invalid_authentication(
                "the client_assertion's `sub` is not a SPIFFE ID, which the client_assertion_type jwt-spiffe requires",
            ));
        }
        Ok(())
    }

    /// The candidates that verify a token, and why the others do not.
    async fn verify_by_each(
        &self,
        proof: &PlatformProof<'_>,
    ) -> (Vec<Arc<LoadedIssuer>>, Vec<String>) {
        let mut verified = Vec::new();
        let mut reasons = Vec::new();
        for issuer in &proof.candidates {
            match self.find_failure(issuer, proof.token).await {
                None => verified.push(Arc::clone(issuer)),
                Some(reason) => reasons.push(reason),
            }
        }
        (verified, reasons)
    }

    /// Why an issuer does not verify a token, if it does not.
    async fn find_failure(
        &self,
        issuer: &LoadedIssuer,
        token: &PlatformToken<'_>,
    ) -> Option<String> {
        let rules = JudgedRules::only_failed();
        let rules = self.issuers.judge(issuer, token, rules).await;
        let sentence = rules.failure()?.sentence();
        Some(format!("issuer `{}`: {sentence}", issuer.issuer.name))
    }

    /// The one client that a token without a `client_id` names: first the one issuer that verifies it, then the one client
    /// with an identity there. The candidates are that issuer alone then. The inner error is for the log.
    async fn find_by_token(
        &self,
        proof: &mut PlatformProof<'_>,
    ) -> Result<Result<ClientId, String>> {
        let (mut verified, reasons) = self.verify_by_each(proof).await;
        if let [one, other, ..] = verified.as_slice() {
            let (one, other) = (&one.issuer.name, &other.issuer.name);
            tracing::warn!(
                "a token is valid under both issuers `{one}` and `{other}`, so a client without client_id cannot log in"
            );
            let reason = format!("the token is valid under two issuers, `{one}` and `{other}`");
            return Ok(Err(reason));
        }
        let Some(issuer) = verified.pop() else {
            return Ok(Err(reasons.join("; ")));
        };
        let owners = self.issuers.find_owners(&issuer, proof.token).await?;
        proof.candidates = vec![Arc::clone(&issuer)];
        proof.is_verified = true;
        let mut matching = Vec::new();
        for id in owners.iter() {
            let record = self.cache.get_or_load(id, self.core.database()?).await?;
            let is_named = |client: &Client| name_by(client, &issuer, proof).is_ok();
            if record.is_some_and(|it| is_named(&it.client)) {
                matching.push(id.clone());
            }
        }
        let name = &issuer.issuer.name;
        let sub = proof.token.sub();
        Ok(match matching.as_slice() {
            [id] => Ok(id.clone()),
            [] => Err(format!(
                "no client has an identity at the issuer `{name}` with the subject `{sub}` that the token satisfies; \
                    an identity without a subject needs a client_id in the request"
            )),
            [one, other, ..] => Err(format!(
                "the clients `{one}` and `{other}` both have the identity `{sub}` at the issuer `{name}`, so the \
                    request needs a client_id"
            )),
        })
    }

    /// Why a token does not prove a client, for the log. Only issuers at which the client has an identity are asked.
    pub(super) async fn judge_platform_token(
        &self,
        client: &Client,
        proof: &PlatformProof<'_>,
    ) -> Result<(), Cow<'static, str>> {
        client.may_log_in()?;
        let mut reasons = Vec::new();
        for issuer in &proof.candidates {
            let name = &issuer.issuer.name;
            let mut identities = client.authentication.identities.iter();
            if !identities.any(|it| it.issuer() == name) {
                continue;
            }
            if !proof.is_verified
                && let Some(reason) = self.find_failure(issuer, proof.token).await
            {
                reasons.push(reason);
                continue;
            }
            match name_by(client, issuer, proof) {
                Ok(identity) => {
                    *proof.proven() = Some((Arc::clone(issuer), identity.clone()));
                    return Ok(());
                }
                Err(reason) => reasons.push(reason),
            }
        }
        if reasons.is_empty() {
            return Err("the client has no identity at an issuer of the token".into());
        }
        Err(reasons.join("; ").into())
    }

    /// Last of all: only who has proved to be the client may write a row.
    async fn use_platform_token(
        &self,
        mut client: AuthenticatedClient,
        proof: &PlatformProof<'_>,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let Some((issuer, identity)) = proof.proven().clone() else {
            return Err(Error::internal(anyhow::anyhow!(
                "a token of no trusted issuer identified a client"
            )));
        };
        let (issuer, token) = (&issuer.issuer, proof.token);
        let jti = token.jti();
        if issuer.replay == Replay::Once {
            let is_first = match jti.filter(|jti| !jti.is_empty()) {
                Some(jti) => {
                    let (name, end) = (issuer.name.as_str(), token.good_until());
                    let used = self.single_use.use_once("platform_token", name, jti, end);
                    used.await?
                }
                None => false,
            };
            if !is_first {
                let refusal = Error::invalid_client(format!(
                    "the token was used before, and tokens of the issuer `{}` are valid once",
                    issuer.name
                ));
                return Err(self.refuse(refusal, Some(&client.client_id), source).await);
            }
        }
        client.identity = Some(ProvenIdentity {
            issuer: issuer.name.clone(),
            identity,
            subject: token.sub().to_owned(),
            jti: jti.map(str::to_owned),
        });
        Ok(client)
    }
}

/// The identity of the client at an issuer that the token satisfies; else what is different.
fn name_by<'a>(
    client: &'a Client,
    issuer: &LoadedIssuer,
    proof: &PlatformProof<'_>,
) -> Result<&'a ClientIdentity, String> {
    let (claims, issuer) = (proof.token.claims(), &issuer.issuer);
    let mut reason = None;
    let identities = client.authentication.identities.iter();
    for identity in identities.filter(|it| *it.issuer() == issuer.name) {
        match identity.find_failure(claims, &issuer.anchor) {
            None => return Ok(identity),
            Some(rule) => {
                let came = rule.came.as_deref();
                reason = Some(format!(
                    "`{}` of an identity is `{}`, and the token has {}",
                    rule.claim,
                    rule.expected,
                    came.map_or_else(|| "none".to_owned(), |it| format!("`{it}`"))
                ));
            }
        }
    }
    let reason = reason.as_deref();
    let reason = reason.unwrap_or("the client has no identity there");
    Err(format!("issuer `{}`: {reason}", issuer.name))
}

/// Says of a refusal whose token it was, for the log and for `explain request`. The caller is not told.
fn name_token(error: Error, token: &PlatformToken<'_>) -> Error {
    if !error.is_rejection() {
        return error;
    }
    let shown = |claim: Option<&str>| match claim {
        Some(claim) => format!("`{}`", printable(claim, MAX_CLAIM)),
        None => "absent".to_owned(),
    };
    let reason = format!(
        "{}; the token has iss {}, sub {}, jti {}",
        error.reason(),
        shown(token.iss()),
        shown(Some(token.sub())),
        shown(token.jti())
    );
    error.with_source(anyhow::anyhow!(reason))
}

/// One line for each login: the client, its token and the source.
fn log_proven(client: &AuthenticatedClient, endpoint: &str) {
    if let Some(identity) = &client.identity {
        tracing::info!(
            client_id = %client.client_id,
            endpoint,
            issuer = %identity.issuer,
            sub = identity.subject,
            jti = identity.jti,
            "a client logged in with a token of a trusted issuer"
        );
    }
}
