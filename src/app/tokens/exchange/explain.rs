//! Why a client gets a token in the place of another one, or none: by the steps of a real exchange after the requester has
//! proved itself. The token that comes of it is taken apart and dropped.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::exchange::{ExchangeCheck, ExchangeRefusal, Possession};
use crate::app::tokens::explain::{ExplainedRejection, assumed_confirmation};
use crate::app::tokens::issue::Grounds;
use crate::app::tokens::request::{ExchangeRequest, TokenRequest};
use crate::base::secret::Secret;
use crate::domain::{Audience, Client, Scope, TokenType};
use crate::jwt::decode_unverified;

/// Which exchange is to be explained.
#[derive(Debug)]
pub struct ExchangeQuestion {
    /// What would be exchanged.
    pub subject: ExchangeSubject,
    /// The client that would ask.
    pub requester: String,
    /// Whom the new token would be for.
    pub target: String,
    /// `None`: all that may result.
    pub scope: Option<String>,
}

/// What would be exchanged.
#[derive(Debug)]
pub enum ExchangeSubject {
    /// This token.
    Token(Secret<String>),
    /// The token that this client gets for the requester.
    Client(String),
}

impl ExchangeSubject {
    /// One of the two, as a front has them.
    pub fn parse(token: Option<Secret<String>>, client: Option<String>) -> Result<Self> {
        match (token, client) {
            (Some(token), None) => Ok(Self::Token(token)),
            (None, Some(client)) => Ok(Self::Client(client)),
            (Some(_), Some(_)) | (None, None) => Err(Error::invalid_request(
                "give the subject as a token or as a client, not both",
            )),
        }
    }
}

/// The result of an exchange.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExchangeExplanation {
    /// Whether the server would issue a token.
    pub granted: bool,
    /// The token's header; null: none is issued.
    #[schema(value_type = Option<Object>)]
    pub header: Option<Value>,
    /// The token's claims; null: none is issued.
    #[schema(value_type = Option<Object>)]
    pub claims: Option<Value>,
    /// The failed check; null: none.
    pub refused_by: Option<ExchangeCheck>,
    /// The reason of the refusal; null: it is granted.
    pub refusal: Option<ExplainedRejection>,
    /// Remarks, in sentences.
    pub remarks: Vec<String>,
}

impl Tokens {
    /// What a requester that proves itself gets by an exchange.
    pub async fn explain_exchange(
        &self,
        question: &ExchangeQuestion,
    ) -> Result<ExchangeExplanation> {
        self.core.require_known_clients()?;
        let mut remarks = Vec::new();
        let outcome = self.dry_exchange(question, &mut remarks).await;
        let (token, refusal) = match outcome {
            Ok(token) => (Some(token), None),
            Err(refusal) if refusal.error.is_rejection() => (None, Some(refusal)),
            Err(refusal) => return Err(refusal.error),
        };
        let granted = token.is_some();
        let (header, claims) = token.unzip();
        Ok(ExchangeExplanation {
            granted,
            header,
            claims,
            refused_by: refusal.as_ref().map(|it| it.check),
            refusal: refusal.map(|it| it.error.into()),
            remarks,
        })
    }

    /// Header and claims.
    async fn dry_exchange(
        &self,
        question: &ExchangeQuestion,
        remarks: &mut Vec<String>,
    ) -> Result<(Value, Value), ExchangeRefusal> {
        let requester = self.find_enabled(&question.requester).await;
        let requester = &ExchangeCheck::Requester.label(requester)?;
        let target = Audience::parse(&question.target);
        let target = target.map_err(|why| Error::invalid_target(why.0));
        let target = ExchangeCheck::Target.label(target)?;
        let scope = question.scope.as_deref().map(Scope::parse).transpose();
        let scope = scope.map_err(|why| Error::invalid_scope(why.0));
        let scope = ExchangeCheck::Scope.label(scope)?;
        let subject = self.subject_token(&question.subject, requester, &target, remarks);
        let request = ExchangeRequest {
            subject_token: ExchangeCheck::SubjectToken.label(subject.await)?,
            actor_token: None,
            target,
            scope,
            issued_token_type: TokenType::AccessToken,
        };
        let judged = self.judge_exchange(requester, &request, Possession::Assumed);
        let exchange = judged.await?;
        if exchange.cnf.is_some() || assumed_confirmation(requester).is_some() {
            remarks.push(
                "The issued tokens are sender-constrained: cnf contains the certificate or key of the requester, and \
                    the server refuses an exchange without one."
                    .to_owned(),
            );
        }
        let cnf = assumed_confirmation(requester);
        let issued = self.issue_exchanged(requester, exchange, cnf, None).await;
        let token = ExchangeCheck::Issuing.label(issued)?;
        let decoded = decode_unverified(&token.jwt).map_err(Error::internal);
        ExchangeCheck::Issuing.label(decoded)
    }

    async fn find_enabled(&self, id: &str) -> Result<Client> {
        let Some(record) = self.cache.find(id, &self.core).await? else {
            return Err(Error::invalid_client("unknown client"));
        };
        let client = record.client.clone();
        client.may_log_in().map_err(Error::invalid_client)?;
        Ok(client)
    }

    /// The token itself, or the one that the client gets for the requester: for one of its identifiers, or for the target of
    /// a client that would narrow its own.
    async fn subject_token(
        &self,
        subject: &ExchangeSubject,
        requester: &Client,
        target: &Audience,
        remarks: &mut Vec<String>,
    ) -> Result<Secret<String>> {
        let id = match subject {
            ExchangeSubject::Token(token) => return Ok(Secret::from(token.expose().trim())),
            ExchangeSubject::Client(id) => id,
        };
        let client = &self.find_enabled(id).await?;
        let is_own = client.client_id == requester.client_id;
        let own = is_own.then_some(target);
        let mut wanted = requester.identifiers.iter().chain(own);
        let default = [self.core.config.token.audience.clone()];
        let theirs = match client.audiences.as_slice() {
            [] => &default[..],
            audiences => audiences,
        };
        let audience = wanted.find(|it| theirs.contains(it));
        let audience = audience.or(theirs.first()).cloned();
        if let Some(audience) = &audience {
            remarks.push(format!(
                "The subject token is the one that `{id}` would get for `{audience}`."
            ));
        }
        let request = TokenRequest {
            scope: None,
            audiences: audience.into_iter().collect(),
        };
        let cnf = assumed_confirmation(client);
        let issued = self.issue_uncounted(client, Grounds::Own(request), cnf, None);
        Ok(Secret::new(issued.await?.jwt))
    }
}
