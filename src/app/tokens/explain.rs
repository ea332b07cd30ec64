//! Why a client gets the token that it gets, or none: by the steps of a real request after its client has proved
//! itself. The token that comes of it is taken apart and dropped; its signature never leaves here.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::issue::Grounds;
use crate::app::tokens::request::TokenRequest;
use crate::domain::{Client, ClientRecord, RejectedRequest, Thumbprint};
use crate::jwt::{Confirmation, decode_unverified};

/// Refused requests that are told beside it.
const REFUSALS: u32 = 10;

/// The token that a client would get.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenExplanation {
    /// Whether it would get a token.
    pub granted: bool,
    /// The token's header; null: none is issued.
    #[schema(value_type = Option<Object>)]
    pub header: Option<Value>,
    /// The token's claims; null: none is issued.
    #[schema(value_type = Option<Object>)]
    pub claims: Option<Value>,
    /// The reason why no token is issued; null: one is.
    pub refusal: Option<ExplainedRejection>,
    /// Remarks, in sentences.
    pub remarks: Vec<String>,
    /// The last refused requests for its ID, the newest first.
    pub refusals: Vec<RejectedRequest>,
}

/// Why a client would get no token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedRejection {
    /// The error code of the response.
    pub error: &'static str,
    /// The error description of the response.
    pub error_description: String,
    /// The true reason.
    pub reason: String,
}

impl From<Error> for ExplainedRejection {
    fn from(error: Error) -> Self {
        Self {
            error: error.code.as_str(),
            reason: error.reason(),
            error_description: error.description.into_owned(),
        }
    }
}

impl Tokens {
    /// What a client that proves itself gets for this request.
    pub async fn explain(
        &self,
        client_id: &str,
        scope: Option<&str>,
        audience: Option<&str>,
    ) -> Result<TokenExplanation> {
        self.core.require_known_clients()?;
        let record = self.cache.find(client_id, &self.core).await?;
        let outcome = match TokenRequest::parse(scope, audience, &[]) {
            Ok(request) => self.dry_run(record.as_deref(), request).await,
            Err(error) => Err(error),
        };
        let (refusals, remarks) = match &record {
            Some(record) => (
                self.audit
                    .list_rejected_requests(&record.client.client_id, REFUSALS)
                    .await?,
                self.remarks(record),
            ),
            None => (Vec::new(), Vec::new()),
        };
        let (token, refusal) = match outcome {
            Ok(token) => (Some(token), None),
            Err(error) => (None, Some(ExplainedRejection::from(error))),
        };
        let granted = token.is_some();
        let (header, claims) = token.unzip();
        Ok(TokenExplanation {
            granted,
            header,
            claims,
            refusal,
            remarks,
            refusals,
        })
    }

    /// Header and claims.
    async fn dry_run(
        &self,
        record: Option<&ClientRecord>,
        request: TokenRequest,
    ) -> Result<(Value, Value)> {
        let client = match record {
            Some(record) => &record.client,
            None => return Err(Error::invalid_client("unknown client")),
        };
        client.may_log_in().map_err(Error::invalid_client)?;
        let cnf = assumed_confirmation(client);
        let issued = self.issue_uncounted(client, Grounds::Own(request), cnf, None);
        decode_unverified(&issued.await?.jwt).map_err(Error::internal)
    }

    fn remarks(&self, record: &ClientRecord) -> Vec<String> {
        let client = &record.client;
        let now = self.core.now();
        let mut remarks = vec![format!(
            "This assumes that it has authenticated by one of {}.",
            client.authentication.auth_methods
        )];
        let required = self.revocations.find_generation(&client.client_id);
        let mut generation = format!("Its tokens have the generation {}.", client.generation);
        if let Some(required) = required {
            generation += &format!(" Tokens below {required} are revoked.");
        }
        remarks.push(generation);
        if client.authentication.allow_secrets() && !record.secrets.iter().any(|it| it.is_live(now))
        {
            remarks.push("It has no valid secret, so it cannot log in with one.".to_owned());
        }
        if !client.allowed_networks.is_empty() {
            remarks.push(format!(
                "From other networks than {} it is refused: wrong network.",
                client.allowed_networks
            ));
        }
        let admin_audience = &self.core.config.token.admin_audience;
        if client.scopes.allows_admin_api() && !client.audiences.contains(admin_audience) {
            remarks.push(format!(
                "The admin API refuses its tokens: `{admin_audience}` is not one of its audiences."
            ));
        }
        if assumed_confirmation(client).is_some() {
            remarks.push(
                "Its tokens are sender-constrained: cnf contains the certificate or key of the request, and the \
                    server refuses a request without one."
                    .to_owned(),
            );
        }
        remarks
    }
}

/// What a client that has to show something would show; a place for it, since nothing is shown.
pub(in crate::app::tokens) fn assumed_confirmation(client: &Client) -> Option<Confirmation> {
    let constraint = client.sender_constraint;
    let shown = |is_bound: bool| is_bound.then(|| Thumbprint::new([0; 32]));
    let cnf = Confirmation {
        certificate: shown(constraint.tls_client_certificate_bound_access_tokens),
        jkt: shown(constraint.dpop_bound_access_tokens),
    };
    Some(cnf).filter(|cnf| !cnf.is_empty())
}
