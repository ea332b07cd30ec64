//! Exchanging a token (RFC 8693): whether a client may have a token in the place of the one that it was called with, and
//! what that takes over. The token itself is issued as every other one, by `issue`.

pub(crate) mod explain;

use std::net::IpAddr;
use std::sync::Arc;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::issue::Grounds;
use crate::app::tokens::request::ExchangeRequest;
use crate::app::tokens::sender_constraint::SenderProofs;
use crate::app::tokens::verify::TokenRequirements;
use crate::domain::{Audience, Client, ErrorCode, Scope, Thumbprint, word_enum};
use crate::jwt::{AccessToken, Confirmation, Delegation, MAX_TOKEN_BYTES, SignedClaims};

word_enum! {
    /// The checks of an exchange, in this order.
    pub enum ExchangeCheck, "a check of an exchange" {
        /// The requester is registered and may log in.
        Requester = "requester",
        /// The subject token is an access token of this server, good now, and has no reserved scope.
        SubjectToken = "subject_token",
        /// The actor token, if there is one, is the requester's own.
        ActorToken = "actor_token",
        /// The target is not this server, and of an own token one of its audiences.
        Target = "target",
        /// The subject token is for the requester, or was issued to it.
        Recipient = "recipient",
        /// The requester has what its own token is bound to.
        Proof = "proof",
        /// The requester has an exchange rule for the target.
        ExchangeRule = "exchange_rule",
        /// A scope results.
        Scope = "scope",
        /// The chain of calls is not too long.
        Depth = "depth",
        /// The requester may have a token now: its quota, and what its tokens have to be bound to.
        Issuing = "issuing",
    }
}

/// What a requester has beside its tokens.
#[derive(Clone, Copy, Debug)]
pub(in crate::app::tokens) enum Possession {
    Shown(Confirmation),
    /// What its tokens are bound to: of a dry run.
    Assumed,
}

impl Possession {
    /// Whether it is what a token is bound to. A token that is bound to nothing known here is bound to something unknown.
    fn is_enough_for(self, bound_to: Option<Confirmation>) -> bool {
        let Some(cnf) = bound_to else { return true };
        let is_met = |bound: Option<Thumbprint>, shown| bound.is_none() || bound == shown;
        let is_shown = match self {
            Self::Assumed => true,
            Self::Shown(it) => is_met(cnf.certificate, it.certificate) && is_met(cnf.jkt, it.jkt),
        };
        is_shown && !cnf.is_empty()
    }
}

/// Why a token is not exchanged.
#[derive(Debug)]
pub(in crate::app::tokens) struct ExchangeRefusal {
    pub(in crate::app::tokens) check: ExchangeCheck,
    pub(in crate::app::tokens) error: Error,
}

impl From<ExchangeRefusal> for Error {
    fn from(refusal: ExchangeRefusal) -> Self {
        refusal.error
    }
}

impl ExchangeCheck {
    pub(in crate::app::tokens) fn refuse(self, error: Error) -> ExchangeRefusal {
        ExchangeRefusal { check: self, error }
    }

    /// Labels the error of a step of this check with it.
    fn label<T>(self, outcome: Result<T>) -> Result<T, ExchangeRefusal> {
        outcome.map_err(|error| self.refuse(error))
    }
}

/// An exchange that is allowed.
pub(in crate::app::tokens) struct Exchange {
    pub(in crate::app::tokens) delegation: Delegation,
    pub(in crate::app::tokens) scope: Scope,
    pub(in crate::app::tokens) target: Audience,
    /// What the own token is bound to, if it was one: the new token is too.
    pub(in crate::app::tokens) cnf: Option<Confirmation>,
}

impl Tokens {
    /// Exchanges a token for an authenticated client, which asks from `source`.
    pub(in crate::app::tokens) async fn exchange<'a>(
        &self,
        requester: &'a Client,
        request: &ExchangeRequest,
        proofs: &SenderProofs,
        source: IpAddr,
    ) -> Result<AccessToken<'a>> {
        let cnf = self.confirm(requester, proofs).await?;
        let possession = Possession::Shown(Confirmation {
            certificate: proofs.certificate,
            jkt: cnf.unwrap_or_default().jkt,
        });
        let judged = self.judge_exchange(requester, request, possession);
        let exchange = judged.await?;
        let subject = Arc::clone(&exchange.delegation.subject);
        let issued = self.issue_exchanged(requester, exchange, cnf, Some(source));
        let mut token = issued.await?;
        token.issued_token_type = Some(request.issued_token_type);
        self.usage
            .count_exchange(&requester.client_id, &request.target);
        tracing::info!(
            client_id = %requester.client_id,
            audience = %request.target,
            sub = %subject.claims.sub,
            subject_jti = %subject.claims.jti,
            jti = %token.jti,
            "exchanged a token"
        );
        Ok(token)
    }

    pub(in crate::app::tokens) async fn issue_exchanged<'a>(
        &self,
        requester: &'a Client,
        exchange: Exchange,
        cnf: Option<Confirmation>,
        source: Option<IpAddr>,
    ) -> Result<AccessToken<'a>> {
        let cnf = join(cnf, exchange.cnf);
        let grounds = Grounds::Exchange(Box::new(exchange));
        let issued = self.issue_uncounted(requester, grounds, cnf, source);
        let token = issued.await?;
        let bytes = token.jwt.len();
        if bytes > MAX_TOKEN_BYTES {
            return Err(Error::invalid_request(format!(
                "the token would have {bytes} bytes, and the limit is {MAX_TOKEN_BYTES}: the subject's metadata or \
                    the scopes are too long for so many calls"
            )));
        }
        Ok(token)
    }

    /// Whether the requester may exchange the subject token for the target: design, section 9.
    pub(in crate::app::tokens) async fn judge_exchange(
        &self,
        requester: &Client,
        request: &ExchangeRequest,
        possession: Possession,
    ) -> Result<Exchange, ExchangeRefusal> {
        let subject = self.judge_subject(request.subject_token.expose()).await?;
        if let Some(actor_token) = &request.actor_token {
            let judged = self.judge_actor(requester, actor_token.expose(), possession);
            judged.await?;
        }
        let cnf = self.judge_recipient(requester, &subject, &request.target, possession)?;
        let scope = grant_scope(requester, &subject, request)?;
        let delegation = Delegation::new(subject, &requester.client_id).ok_or_else(|| {
            ExchangeCheck::Depth.refuse(Error::invalid_request(
                "the subject token already comes from 5 exchanges, the longest possible call chain",
            ))
        })?;
        Ok(Exchange {
            delegation,
            scope,
            target: request.target.clone(),
            cnf,
        })
    }

    async fn judge_subject(&self, token: &str) -> Result<Arc<SignedClaims>, ExchangeRefusal> {
        let check = ExchangeCheck::SubjectToken;
        let signed = check.label(self.verify_exchanged("subject", token).await)?;
        let claims = &signed.claims;
        // `/verify` has a leeway. A token that ends now would come of it.
        if claims.exp <= self.core.now() {
            return Err(check.refuse(Error::invalid_request(
                "the subject token is not valid: the token is expired",
            )));
        }
        if let Some(scope) = claims.scope.first_reserved() {
            return Err(check.refuse(Error::invalid_request(format!(
                "the subject token has the reserved scope {scope}: the server does not exchange such a token"
            ))));
        }
        Ok(signed)
    }

    /// The claims of a token, if `/verify` calls it good. RFC 8693 §2.2.2: else the request is invalid.
    async fn verify_exchanged(&self, which: &str, token: &str) -> Result<Arc<SignedClaims>> {
        let required = TokenRequirements::default();
        let verdict = self.verify_presented(token, &required).await;
        verdict.map_err(|error| {
            if error.code != ErrorCode::InvalidToken {
                return error;
            }
            let why = format!("the {which} token is not valid: {}", error.description);
            let mut refused = Error::invalid_request(why);
            refused.cause = error.cause;
            refused
        })
    }

    /// RFC 8693 §1.1: the actor is who asks, so nobody else's token can stand for it.
    async fn judge_actor(
        &self,
        requester: &Client,
        token: &str,
        possession: Possession,
    ) -> Result<(), ExchangeRefusal> {
        let check = ExchangeCheck::ActorToken;
        let verified = check.label(self.verify_exchanged("actor", token).await)?;
        let claims = &verified.claims;
        let id = &requester.client_id;
        if *claims.client_id != *id || *claims.sub != *id {
            return Err(check.refuse(Error::invalid_request(
                "the actor token was not issued to this client",
            )));
        }
        if !possession.is_enough_for(claims.cnf) {
            return Err(check.refuse(Error::invalid_request(
                "the actor token is bound to a certificate or key that the request does not prove",
            )));
        }
        Ok(())
    }

    /// Rules 1 and 2: whom the new token may be for, and whom the subject token is for. The binding that an own token hands
    /// on.
    fn judge_recipient(
        &self,
        requester: &Client,
        subject: &SignedClaims,
        target: &Audience,
        possession: Possession,
    ) -> Result<Option<Confirmation>, ExchangeRefusal> {
        let claims = &subject.claims;
        if self.core.config.token.is_this_server(target) {
            return Err(ExchangeCheck::Target.refuse(Error::invalid_target(format!(
                "`{target}` is this server itself, so it cannot be the target of an exchange"
            ))));
        }
        let is_for_requester = self.is_for(requester, claims);
        let is_own = *claims.client_id == requester.client_id;
        if !is_for_requester && !is_own {
            return Err(ExchangeCheck::Recipient.refuse(Error::invalid_request(format!(
                "the subject token was not issued to this client, and its audience `{}` is not one of the client's \
                    identifiers",
                claims.aud.to_text()
            ))));
        }
        if !is_for_requester && !claims.aud.contains(target) {
            return Err(ExchangeCheck::Target.refuse(Error::invalid_target(format!(
                "a client can exchange its own token only for an audience of that token, and `{target}` is not one"
            ))));
        }
        if is_own && !possession.is_enough_for(claims.cnf) {
            return Err(ExchangeCheck::Proof.refuse(Error::invalid_request(
                "the subject token is bound to a certificate or key that the request does not prove: send that \
                    certificate, or a DPoP proof with that key",
            )));
        }
        Ok(claims.cnf.filter(|_| is_own))
    }
}

/// Rule 3: what was asked for, of what the rule gives for the scopes of the subject token.
fn grant_scope(
    requester: &Client,
    subject: &SignedClaims,
    request: &ExchangeRequest,
) -> Result<Scope, ExchangeRefusal> {
    let target = &request.target;
    let rule = requester.exchange_rules.find(target).ok_or_else(|| {
        ExchangeCheck::ExchangeRule.refuse(Error::invalid_target(format!(
            "this client has no exchange rule for `{target}`"
        )))
    })?;
    let refuse = |why: String| ExchangeCheck::Scope.refuse(Error::invalid_scope(why));
    let given = rule.apply(&subject.claims.scope);
    // A rule may be older than the reservation.
    if let Some(reserved) = given.first_reserved() {
        return Err(refuse(format!(
            "the scope {reserved} is reserved: an exchange cannot give it"
        )));
    }
    let asked = request.scope.as_ref().filter(|scope| !scope.is_empty());
    let granted = match asked {
        None => given,
        Some(asked) => asked.filter(|token| given.tokens().any(|it| it == token)),
    };
    if granted.is_empty() {
        return Err(refuse(match asked {
            None => format!(
                "the exchange rule for `{target}` gives no scope for the scope `{}` of the subject token",
                subject.claims.scope
            ),
            Some(asked) => format!(
                "the exchange rule for `{target}` and the scope `{}` of the subject token leave nothing of the \
                    requested scope `{asked}`",
                subject.claims.scope
            ),
        }));
    }
    Ok(granted)
}

/// Both bindings. Where both have one of a kind, it is the same: the own token's was shown.
fn join(shown: Option<Confirmation>, handed_on: Option<Confirmation>) -> Option<Confirmation> {
    let (shown, handed_on) = (shown.unwrap_or_default(), handed_on.unwrap_or_default());
    let both = Confirmation {
        certificate: shown.certificate.or(handed_on.certificate),
        jkt: shown.jkt.or(handed_on.jkt),
    };
    Some(both).filter(|cnf| !cnf.is_empty())
}
