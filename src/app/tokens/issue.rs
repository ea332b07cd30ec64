//! Issuing tokens and judging them.

use std::borrow::Cow;
use std::sync::Arc;

use crate::app::App;
use crate::app::error::{Error, Result};
use crate::app::tokens::rejection::Refusal;
use crate::app::tokens::sender_constraint::check_bound;
use crate::domain::{Audience, Audiences, Client, ErrorCode, Scope};
use crate::jwt::{AccessToken, Confirmation, Grant, SignedClaims};

/// What a client asks for (RFC 6749 §4.4.2, RFC 8707 §2).
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// `None` or empty: all that the client may have.
    pub scope: Option<Scope>,
    /// Whom the token is to be for; none: the client's first, else the server's.
    pub audiences: Vec<Audience>,
    /// What its holder is to have beside it.
    pub cnf: Option<Confirmation>,
}

impl TokenRequest {
    /// Parses what a client asks for; `resources` are absolute URIs.
    pub fn parse(
        scope: Option<&str>,
        audience: Option<&str>,
        resources: &[String],
    ) -> Result<Self> {
        let scope = scope.map(Scope::parse).transpose();
        let audience = audience.map(Audience::parse).into_iter();
        let resources = resources.iter().map(|text| Audience::parse_resource(text));
        let audiences: Result<Vec<Audience>, _> = audience.chain(resources).collect();
        Ok(Self {
            scope: scope.map_err(|error| Error::invalid_scope(error.0))?,
            cnf: None,
            audiences: audiences.map_err(|error| Error::invalid_target(error.0))?,
        })
    }
}

/// What a microservice requires of a token beside being good.
#[derive(Clone, Debug, Default)]
pub struct TokenRequirements {
    /// All of it must have been granted.
    pub scope: Option<Scope>,
    /// Must be among the token's.
    pub audience: Option<Audience>,
}

impl App {
    /// Issues a token to a client that has proved itself.
    pub fn issue_token<'a>(
        &self,
        client: &'a Client,
        request: TokenRequest,
    ) -> Result<AccessToken<'a>> {
        let token = self.prepare_token(client, request);
        match &token {
            Ok(_) => {
                self.tokens_issued.count();
                self.count_against_quota(client);
            }
            Err(error) if error.code == ErrorCode::RateLimited => self.count_refused_by_quota(),
            Err(_) => {}
        }
        token
    }

    /// All of it but counting: what comes of it is a token like any other.
    pub(in crate::app) fn prepare_token<'a>(
        &self,
        client: &'a Client,
        request: TokenRequest,
    ) -> Result<AccessToken<'a>> {
        let cut = self.revocations.find_cutoff(&client.client_id);
        if cut.is_some_and(|cut| cut.disabled) {
            // It was disabled after it logged in, or enabled by a process from which we have not heard yet.
            return Err(Error::temporarily_unavailable(
                "the client is being disabled or enabled; try again",
            ));
        }
        check_bound(client, request.cnf)?;
        self.check_quota(client)?;
        let grant = Grant {
            client,
            scope: grant_scope(client, request.scope)?,
            audience: self.grant_audience(client, request.audiences)?,
            ttl: client.token_ttl.unwrap_or(self.config.token.ttl),
            cutoff: cut.map(|cut| cut.cutoff),
            cnf: request.cnf,
        };
        Ok(self.keys().issue(grant, self.clock.now())?)
    }

    /// The claims of a token that is ours, good now, not revoked, and all that is required.
    /// Touches no database.
    pub fn verify_token(
        &self,
        token: &str,
        required: &TokenRequirements,
    ) -> Result<Arc<SignedClaims>> {
        if !self.revocations.is_complete() {
            return Err(Error::temporarily_unavailable(
                "the revocations have not been read yet",
            ));
        }
        self.judge_token(token, required).map_err(|refusal| {
            self.refused_tokens.count(&refusal);
            refusal.into()
        })
    }

    fn judge_token(
        &self,
        token: &str,
        required: &TokenRequirements,
    ) -> Result<Arc<SignedClaims>, Refusal> {
        let signed = self.verified.verify(token, &self.keys())?;
        let claims = &signed.claims;
        claims.check_times(self.clock.now())?;
        if self.revocations.contains(claims) {
            return Err(Refusal::Revoked);
        }
        if required
            .audience
            .as_ref()
            .is_some_and(|audience| !claims.aud.contains(audience))
        {
            return Err(Refusal::WrongAudience);
        }
        if let Some(scope) = &required.scope
            && let Some(missing) = scope.first_not_in(&claims.scope)
        {
            return Err(Refusal::InsufficientScope {
                missing: missing.to_owned(),
                required: scope.as_str().to_owned(),
            });
        }
        Ok(signed)
    }

    fn grant_audience(&self, client: &Client, asked: Vec<Audience>) -> Result<Audiences> {
        let default = client
            .audiences
            .first()
            .unwrap_or(&self.config.token.audience);
        let is_theirs = |audience: &Audience| {
            client.audiences.contains(audience)
                || (client.audiences.is_empty() && audience == default)
        };
        if let Some(foreign) = asked.iter().find(|audience| !is_theirs(audience)) {
            return Err(Error::invalid_target(format!(
                "the audience `{foreign}` is not among this client's"
            )));
        }
        let granted = Audiences::from_list(asked).unwrap_or_else(|| default.clone().into());
        if granted.to_text().len() > Audiences::MAX_LENGTH {
            return Err(Error::invalid_target(format!(
                "the audiences of one token have at most {} characters together",
                Audiences::MAX_LENGTH
            )));
        }
        Ok(granted)
    }
}

fn grant_scope(client: &Client, asked: Option<Scope>) -> Result<Cow<'_, Scope>> {
    match asked {
        None => Ok(Cow::Borrowed(&client.scopes)),
        Some(scope) if scope.is_empty() => Ok(Cow::Borrowed(&client.scopes)),
        Some(scope) => match scope.first_not_in(&client.scopes) {
            None => Ok(Cow::Owned(scope)),
            Some(missing) => Err(Error::invalid_scope(format!(
                "the scope `{missing}` is not among this client's"
            ))),
        },
    }
}
