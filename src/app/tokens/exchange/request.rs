//! What a client asks for by an exchange, as RFC 8693 §2.1 has it. Judges nothing.

use crate::app::error::{Error, Result};
use crate::base::secret::Secret;
use crate::domain::{Audience, Scope, TokenType};

/// What a client asks for by an exchange.
#[derive(Debug)]
pub struct ExchangeRequest {
    /// The token that the client was called with.
    pub subject_token: Secret<String>,
    /// A token of the client itself.
    pub actor_token: Option<Secret<String>>,
    /// Whom the new token is to be for.
    pub target: Audience,
    /// `None` or empty: all that may result.
    pub scope: Option<Scope>,
    /// What the new token is to be called.
    pub issued_token_type: TokenType,
}

/// The parameters of an exchange as a request has them (RFC 8693 §2.1).
#[derive(Debug, Default)]
pub struct ExchangeForm {
    /// `subject_token`
    pub subject_token: Option<Secret<String>>,
    /// `subject_token_type`
    pub subject_token_type: Option<String>,
    /// `actor_token`
    pub actor_token: Option<Secret<String>>,
    /// `actor_token_type`
    pub actor_token_type: Option<String>,
    /// `requested_token_type`
    pub requested_token_type: Option<String>,
    /// Each `audience`.
    pub audience: Vec<String>,
    /// Each `resource`.
    pub resource: Vec<String>,
    /// `scope`
    pub scope: Option<String>,
}

impl ExchangeRequest {
    /// Parses the parameters of a request.
    pub fn parse(form: ExchangeForm) -> Result<Self> {
        let missing = |name| Error::invalid_request(format!("the parameter `{name}` is missing"));
        let subject_token = form.subject_token.ok_or_else(|| missing("subject_token"))?;
        let kind = form.subject_token_type.as_deref();
        token_type("subject_token_type", kind)?.ok_or_else(|| missing("subject_token_type"))?;
        let actor_type = token_type("actor_token_type", form.actor_token_type.as_deref())?;
        match (&form.actor_token, actor_type) {
            (Some(_), None) => return Err(missing("actor_token_type")),
            (None, Some(_)) => {
                return Err(Error::invalid_request(
                    "the request has an actor_token_type, but no actor_token",
                ));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        let requested = form.requested_token_type.as_deref();
        let issued_token_type = token_type("requested_token_type", requested)?;
        let scope = form.scope.as_deref().map(Scope::parse).transpose();
        Ok(Self {
            subject_token,
            actor_token: form.actor_token,
            target: one_target(&form.audience, &form.resource)?,
            scope: scope.map_err(|error| Error::invalid_scope(error.0))?,
            issued_token_type: issued_token_type.unwrap_or(TokenType::AccessToken),
        })
    }
}

fn token_type(name: &str, text: Option<&str>) -> Result<Option<TokenType>> {
    let parsed = text.map(TokenType::parse).transpose();
    parsed.map_err(|_| {
        let [access_token, jwt] = TokenType::ALL;
        Error::invalid_request(format!("`{name}` must be {access_token} or {jwt}"))
    })
}

fn one_target(audiences: &[String], resources: &[String]) -> Result<Audience> {
    let target = match (audiences, resources) {
        ([audience], []) => Audience::parse(audience),
        ([], [resource]) => Audience::parse_resource(resource),
        ([], []) => {
            return Err(Error::invalid_request(
                "the parameter `audience` or `resource`, the target of the exchange, is missing",
            ));
        }
        (_, _) => {
            return Err(Error::invalid_target(
                "an exchange has one target: send one `audience` or one `resource`",
            ));
        }
    };
    target.map_err(|error| Error::invalid_target(error.0))
}
