//! What a client asks for.

use crate::app::error::{Error, Result};
use crate::app::tokens::exchange::request::ExchangeRequest;
use crate::domain::{Audience, Scope};

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
