//! Owns what a client may ask for beside saying who it is: `scope` (RFC 6749 §3.3), `audience`, and `resource`
//! (RFC 8707 §2). Whether the client may have it is not known here.

use utoipa::ToSchema;

use crate::app::TokenRequest;
use crate::app::error::Result;
use crate::domain::Audiences;
use crate::http::request::params::Params;

/// What a token is to be for.
#[derive(ToSchema)]
#[schema(as = RequestedToken)]
pub(in crate::http) struct TokenRequestForm {
    /// Space-separated; none: all that the client may have
    scope: Option<String>,
    /// One of the client's
    audience: Option<String>,
    /// One of the client's audiences, an absolute URI; in a form it may be repeated, in JSON a list (RFC 8707 §2)
    #[schema(value_type = Option<Audiences>)]
    resource: Vec<String>,
}

impl TokenRequestForm {
    pub(in crate::http) fn take(params: &mut Params) -> Self {
        Self {
            scope: params.take("scope"),
            audience: params.take("audience"),
            resource: params.take_all("resource"),
        }
    }

    pub(in crate::http) fn parse(&self) -> Result<TokenRequest> {
        let (scope, audience) = (self.scope.as_deref(), self.audience.as_deref());
        TokenRequest::parse(scope, audience, &self.resource)
    }
}
