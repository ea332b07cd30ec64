//! What a client asks for: a token for itself, or an exchange (RFC 8693 §2.1). Judges nothing.

use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::base::secret::Secret;
use crate::domain::{Audience, Scope, TokenType};

/// What a client asks for, by the grant that it uses.
#[derive(Debug)]
pub enum GrantRequest {
    /// A token for itself (RFC 6749 §4.4).
    ClientCredentials(TokenRequest),
    /// A token for another one (RFC 8693).
    TokenExchange(Box<ExchangeRequest>),
}

impl From<TokenRequest> for GrantRequest {
    fn from(request: TokenRequest) -> Self {
        Self::ClientCredentials(request)
    }
}

/// What a client asks for (RFC 6749 §4.4.2, RFC 8707 §2).
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// `None` or empty: all that the client may have.
    pub scope: Option<Scope>,
    /// Whom the token is to be for; none: the client's first, else the server's.
    pub audiences: Vec<Audience>,
}

impl TokenRequest {
    /// Parses what a client asks for: audiences separated by spaces; `resources` are absolute URIs.
    pub fn parse(
        scope: Option<&str>,
        audiences: Option<&str>,
        resources: &[String],
    ) -> Result<Self> {
        let scope = scope.map(Scope::parse).transpose();
        let audiences = audiences.into_iter().flat_map(split).map(Audience::parse);
        let resources = resources.iter().map(|text| Audience::parse_resource(text));
        let audiences: Result<Vec<Audience>, _> = audiences.chain(resources).collect();
        Ok(Self {
            scope: scope.map_err(|error| Error::invalid_scope(error.0))?,
            audiences: audiences.map_err(|error| Error::invalid_target(error.0))?,
        })
    }
}

/// The words of a text; of one without any the text itself, which is then refused: it must not count as if nothing had been
/// asked for.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(' ').filter(|word| !word.is_empty());
    let without_any = text.bytes().all(|byte| byte == b' ');
    words.chain(without_any.then_some(text))
}

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

/// The further parameters of an exchange.
#[derive(Debug, ToSchema)]
#[schema(as = ExchangedTokens)]
pub struct ExchangeForm {
    /// The subject token, of this server
    #[schema(value_type = Option<String>)]
    pub subject_token: Option<Secret<String>>,
    /// `urn:ietf:params:oauth:token-type:access_token` or `urn:ietf:params:oauth:token-type:jwt`
    pub subject_token_type: Option<String>,
    /// A token of the client itself; it has no effect
    #[schema(value_type = Option<String>)]
    pub actor_token: Option<Secret<String>>,
    /// With `actor_token`
    pub actor_token_type: Option<String>,
    /// The same two types; by default an access token
    pub requested_token_type: Option<String>,
}

/// The parameters that name the target of an exchange, as they were sent.
#[derive(Clone, Copy, Debug)]
pub struct TargetParameters<'a> {
    /// Each `audience`.
    pub audiences: &'a [String],
    /// Each `resource`.
    pub resources: &'a [String],
}

impl ExchangeRequest {
    /// Parses the parameters of a request.
    pub fn parse(
        form: ExchangeForm,
        scope: Option<&str>,
        target: TargetParameters<'_>,
    ) -> Result<Self> {
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
        let scope = scope.map(Scope::parse).transpose();
        Ok(Self {
            subject_token,
            actor_token: form.actor_token,
            target: target.parse()?,
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

impl TargetParameters<'_> {
    /// The one target that an exchange has.
    fn parse(self) -> Result<Audience> {
        let target = match (self.audiences, self.resources) {
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
}
