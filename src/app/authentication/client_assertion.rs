//! `private_key_jwt` (RFC 7523 §2.2): a JWT signed with a key of the client, each good once.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::app::authentication::keyed_proof::KeyedProof;
use crate::app::authentication::{AuthenticatedClient, Authentication, refusal_of};
use crate::app::error::{Error, Result};
use crate::base::secret::Secret;
use crate::domain::{AuthMethod, Client, ClientId, JwkSet};
use crate::jwt::{
    AssertionError, AssertionRules, ClientAssertion, PlatformToken, SignatureVerdict,
};

/// What a `client_assertion_type` says that the assertion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionType {
    /// RFC 7523 §2.2: a JWT of the client itself, or of a trusted issuer.
    JwtBearer,
    /// draft-ietf-oauth-spiffe-client-auth: a JWT-SVID.
    JwtSpiffe,
}

/// A client assertion, unchecked.
#[derive(Debug)]
pub struct PresentedAssertion {
    /// The `client_id` beside it, when there is one (RFC 7521 §4.2).
    pub client_id: Option<String>,
    /// What it says it is.
    pub assertion_type: AssertionType,
    /// As it was sent.
    pub assertion: Secret<String>,
    /// The path of the endpoint it was sent to.
    pub endpoint: &'static str,
}

impl Authentication {
    /// An assertion is the client's own if its `iss` and `sub` are equal; every other one is a platform's. One that says
    /// neither `iss` nor a SPIFFE ID can be of no issuer.
    pub(super) async fn authenticate_by_assertion(
        &self,
        presented: &PresentedAssertion,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let is_spiffe = presented.assertion_type == AssertionType::JwtSpiffe;
        match PlatformToken::parse(presented.assertion.expose()) {
            Ok(token) if is_spiffe || token.is_of_platform() => {
                let found = self.authenticate_by_platform_token(token, presented, source);
                Box::pin(found).await
            }
            Err(error) if is_spiffe => Err(self.refuse_malformed(&error, presented, source).await),
            Ok(_) | Err(_) => self.authenticate_by_own_assertion(presented, source).await,
        }
    }

    async fn refuse_malformed(
        &self,
        error: &AssertionError,
        presented: &PresentedAssertion,
        source: IpAddr,
    ) -> Error {
        let claimed = presented.client_id.as_deref();
        let claimed = claimed.and_then(|id| ClientId::parse(id).ok());
        let refusal = Error::invalid_authentication(error.to_string());
        self.refuse(refusal, claimed.as_ref(), source).await
    }

    async fn authenticate_by_own_assertion(
        &self,
        presented: &PresentedAssertion,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let client_id = presented.client_id.as_deref();
        let token_endpoint = self.token_endpoint();
        let rules = self.assertion_rules(&token_endpoint);
        let jwt = presented.assertion.expose();
        let assertion = match ClientAssertion::parse(jwt, rules, self.core.now()) {
            Ok(assertion) => assertion,
            Err(error) => return Err(self.refuse_malformed(&error, presented, source).await),
        };
        let claimed = &assertion.client_id;
        if client_id.is_some_and(|id| id != claimed.as_str()) {
            let refusal =
                Error::invalid_authentication("the client_assertion's `sub` is not the client_id");
            return Err(self.refuse(refusal, Some(claimed), source).await);
        }
        let proof = KeyedProof::Assertion(&assertion);
        let client = self.authenticate_by_key(claimed, proof, source).await?;
        if assertion.is_for_token_endpoint {
            self.token_endpoint_audiences.inc();
        }
        // Last of all: only who has the key may write a row.
        let (id, jti, end) = (claimed.as_str(), &assertion.jti, assertion.good_until);
        let used = self.single_use.use_once("client_assertion", id, jti, end);
        if used.await? {
            return Ok(client);
        }
        let refusal = Error::invalid_authentication(
            "the client_assertion was used before; each one needs a new `jti`",
        );
        Err(self.refuse(refusal, Some(claimed), source).await)
    }

    /// Why the assertion is not under a key of the client, for the log.
    pub(super) async fn judge_assertion(
        &self,
        client: &Client,
        assertion: &ClientAssertion<'_>,
    ) -> Result<(), Cow<'static, str>> {
        if let Some(reason) = refusal_of(client, AuthMethod::PrivateKeyJwt) {
            return Err(reason);
        }
        let settings = &client.authentication;
        if assertion.is_for_token_endpoint && !settings.token_endpoint_as_audience {
            return Err(
                "the assertion's aud is the token endpoint; it must be ISSUER, unless the client has \
                    token_endpoint_as_audience"
                    .into(),
            );
        }
        let judge = |keys: &JwkSet| assertion.judge_signature(keys);
        // Its key may be new since the keys were fetched.
        let may_change = |verdict: &SignatureVerdict| match verdict {
            SignatureVerdict::Good => false,
            SignatureVerdict::Bad => !assertion.names_its_key(),
            SignatureVerdict::UnknownKey => true,
        };
        match self.judge_by_keys(client, judge, may_change).await? {
            SignatureVerdict::Good => Ok(()),
            SignatureVerdict::UnknownKey => {
                Err("the client has no key with the assertion's kid and alg".into())
            }
            SignatureVerdict::Bad => Err("the assertion's signature is wrong".into()),
        }
    }

    pub(super) fn token_endpoint(&self) -> String {
        self.core.config.token.issuer.endpoint("/token")
    }

    pub(super) fn assertion_rules<'a>(&'a self, token_endpoint: &'a str) -> AssertionRules<'a> {
        AssertionRules {
            issuer: self.core.config.token.issuer.as_str(),
            token_endpoint,
            max_ttl: self.core.config.client_authentication.assertion_max_ttl,
        }
    }
}
