//! Verifying tokens, also for operators who inspect one. Touches no database, but to learn a key that is not known here.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::rejection::Rejection;
use crate::domain::{Audience, ClientId, ErrorCode, INTROSPECT_SCOPE, Scope};
use crate::jwt::{SignedClaims, claimed_key_id, decode_unverified};

/// What a microservice requires of a token beside being good.
#[derive(Clone, Debug, Default)]
pub struct TokenRequirements {
    /// All of it must have been granted.
    pub scope: Option<Scope>,
    /// Must be among the token's.
    pub audience: Option<Audience>,
    /// Must be the outermost actor of the token. No decision reads a nested one (RFC 8693 §4.1).
    pub actor: Option<ClientId>,
}

/// Header and claims of a token, and whether it is valid.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenInspection {
    /// Whether `/verify` would accept it, apart from its binding.
    pub good: bool,
    /// The reason, in one sentence.
    pub verdict: String,
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
}

impl Tokens {
    /// The claims of a token that is ours, good now, not revoked, and all that is required.
    /// Touches no database.
    pub fn verify(&self, token: &str, required: &TokenRequirements) -> Result<Arc<SignedClaims>> {
        if !self.revocations.is_complete() {
            return Err(Error::without_revocations());
        }
        let signed = self.verified.verify(token, &self.keys.current());
        let signed = signed.map_err(|error| self.reject(error.into()))?;
        match self.judge(&signed, required) {
            Ok(()) => Ok(signed),
            Err(rejection) => Err(self.reject(rejection).with_client(&signed.claims.client_id)),
        }
    }

    fn judge(&self, signed: &SignedClaims, required: &TokenRequirements) -> Result<(), Rejection> {
        let claims = &signed.claims;
        claims.check_times(self.core.now())?;
        if let Some(by) = self.revocations.find(claims) {
            return Err(Rejection::Revoked(by));
        }
        if let Some(audience) = &required.audience
            && !claims.aud.contains(audience)
        {
            return Err(Rejection::WrongAudience);
        }
        if let Some(scope) = &required.scope
            && let Some(missing) = scope.first_not_in(&claims.scope)
        {
            return Err(Rejection::InsufficientScope {
                missing: missing.to_owned(),
                required: scope.as_str().to_owned(),
            });
        }
        if let Some(actor) = &required.actor
            && claims.act.as_ref().is_none_or(|act| act.sub != *actor)
        {
            return Err(Rejection::WrongActor(actor.clone()));
        }
        Ok(())
    }

    /// The verdict on a token that somebody presents: [`verify`](Self::verify), and when its key is not
    /// known here once more after reading the keys. So the first token under a new key is good everywhere.
    pub async fn verify_presented(
        &self,
        token: &str,
        required: &TokenRequirements,
    ) -> Result<Arc<SignedClaims>> {
        let verdict = self.verify(token, required);
        if let Err(error) = &verdict
            && error.code == ErrorCode::InvalidToken
            && let Some(kid) = claimed_key_id(token)
            && self.keys.current().find(kid.as_str()).is_none()
            && self.keys.learn(&kid).await
        {
            return self.verify(token, required);
        }
        verdict
    }

    /// The claims of a token that is good for the admin API: for its audience, and with this scope.
    pub async fn verify_admin(&self, token: &str, scope: &str) -> Result<Arc<SignedClaims>> {
        let audience = &self.core.config.token.admin_audience;
        self.verify_own(token, scope, audience, "the admin API")
            .await
    }

    /// The claims of a token with which a client may introspect: for this server, and with the scope for it. Any service
    /// that the token is for could use it too.
    pub async fn verify_introspector(&self, token: &str) -> Result<Arc<SignedClaims>> {
        let audience = self.core.config.token.issuer.as_str().parse()?;
        self.verify_own(token, INTROSPECT_SCOPE, &audience, "introspection")
            .await
    }

    /// The claims of a token that is good for a resource of this server.
    async fn verify_own(
        &self,
        token: &str,
        scope: &str,
        audience: &Audience,
        resource: &str,
    ) -> Result<Arc<SignedClaims>> {
        let required = TokenRequirements {
            scope: Some(Scope::parse(scope)?),
            audience: Some(audience.clone()),
            actor: None,
        };
        let verdict = self.verify_presented(token, &required).await;
        let verified = verdict.map_err(|error| {
            let is_good = || {
                let signed = self.verified.verify(token, &self.keys.current());
                signed.is_ok_and(|it| self.judge(&it, &TokenRequirements::default()).is_ok())
            };
            if error.code == ErrorCode::InvalidToken && is_good() {
                return Error::invalid_token(format!(
                    "the token is not for {resource}: ask for one with the audience `{audience}`"
                ));
            }
            error
        })?;
        self.usage.count_verified(&verified.claims.client_id);
        Ok(verified)
    }

    /// Takes a token apart and judges it. A token that cannot be judged now is an error, and so is what is none at all.
    pub async fn inspect(&self, token: &str) -> Result<TokenInspection> {
        let (header, claims) = decode_unverified(token).map_err(|error| {
            Error::invalid_request(format!("it is not a token of this kind: {error}"))
        })?;
        let required = TokenRequirements::default();
        let verdict = match self.verify_presented(token, &required).await {
            Ok(signed) => Ok(format!("valid until {}", signed.claims.exp)),
            Err(error) if error.code == ErrorCode::InvalidToken => Err(match &error.cause {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }),
            Err(error) => return Err(error),
        };
        Ok(TokenInspection {
            good: verdict.is_ok(),
            verdict: verdict.unwrap_or_else(|why| why),
            header,
            claims,
        })
    }
}
