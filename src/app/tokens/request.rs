//! What a client asks for.

use crate::app::error::{Error, Result};
use crate::domain::{Audience, Scope};

/// What a client asks for (RFC 6749 §4.4.2, RFC 8707 §2).
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// `None` or empty: all that the client may have.
    pub scope: Option<Scope>,
    /// Whom the token is to be for; none: the client's first, else the server's.
    pub audiences: Vec<Audience>,
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
            audiences: audiences.map_err(|error| Error::invalid_target(error.0))?,
        })
    }
}
