//! `private_key_jwt` (RFC 7523 §2.2): a JWT signed with a key of the client, each good once.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::app::authentication::keyed_proof::KeyedProof;
use crate::app::authentication::{AuthenticatedClient, Authentication, refusal_of};
use crate::app::error::{Error, Result};
use crate::base::secret::Secret;
use crate::domain::{AuthMethod, Client, ClientId, JwkSet};
use crate::jwt::{AssertionRules, ClientAssertion, SignatureVerdict};

/// A client assertion, unchecked.
#[derive(Debug)]
pub struct PresentedAssertion {
    /// The `client_id` beside it, when there is one (RFC 7521 §4.2).
    pub client_id: Option<String>,
    /// As it was sent.
    pub assertion: Secret<String>,
    /// The path of the endpoint it was sent to.
    pub endpoint: &'static str,
}

impl Authentication {
    pub(super) async fn authenticate_by_assertion(
        &self,
        presented: &PresentedAssertion,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let client_id = presented.client_id.as_deref();
        let audiences = self.assertion_audiences(presented.endpoint);
        let rules = AssertionRules {
            audiences: &audiences,
            max_ttl: self.core.config.client_authentication.assertion_max_ttl,
        };
        let jwt = presented.assertion.expose();
        let assertion = match ClientAssertion::parse(jwt, rules, self.core.now()) {
            Ok(assertion) => assertion,
            Err(error) => {
                let claimed = client_id.and_then(|id| ClientId::parse(id).ok());
                let refusal = Error::invalid_authentication(error.to_string());
                return Err(self.refuse(refusal, claimed.as_ref(), source).await);
            }
        };
        let claimed = &assertion.client_id;
        if client_id.is_some_and(|id| id != claimed.as_str()) {
            let refusal =
                Error::invalid_authentication("the client_assertion's `sub` is not the client_id");
            return Err(self.refuse(refusal, Some(claimed), source).await);
        }
        let proof = KeyedProof::Assertion(&assertion);
        let client = self.authenticate_by_key(claimed, proof, source).await?;
        // Last of all: only who has the key may write a row.
        if self
            .single_use
            .use_once(
                "client_assertion",
                claimed.as_str(),
                &assertion.jti,
                assertion.good_until,
            )
            .await?
        {
            Ok(client)
        } else {
            let refusal = Error::invalid_authentication(
                "the client_assertion was used before; its `jti` has to be a new one each time",
            );
            Err(self.refuse(refusal, Some(claimed), source).await)
        }
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

    /// The names by which an assertion may call this server: RFC 7523 §3 has its issuer and the URL of its token
    /// endpoint; of the other endpoints each is a name at itself.
    fn assertion_audiences(&self, endpoint: &str) -> Vec<String> {
        let issuer = &self.core.config.token.issuer;
        let mut audiences = vec![issuer.to_string(), issuer.endpoint("/token")];
        if endpoint != "/token" {
            audiences.push(issuer.endpoint(endpoint));
        }
        audiences
    }
}
