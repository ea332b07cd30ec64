//! Owns what a client may ask for beside saying who it is: `scope` (RFC 6749 §3.3), `audience`, and `resource`
//! (RFC 8707 §2). Whether the client may have it is not known here.

use std::borrow::Cow;

use utoipa::ToSchema;

use crate::app::TokenRequest;
use crate::app::error::Result;
use crate::domain::Audiences;
use crate::http::request::params::Params;

/// The requested scope and audience of a token.
#[derive(ToSchema)]
#[schema(as = RequestedToken)]
pub(in crate::http) struct TokenRequestForm {
    /// Space-separated, in JSON also a list; by default all scopes of the client
    pub(in crate::http) scope: Option<String>,
    /// One or more of the client's audiences: space-separated, in a form also repeated, in JSON also a list; in an exchange the
    /// one target
    #[schema(value_type = Option<Audiences>)]
    pub(in crate::http) audience: Vec<String>,
    /// One of the client's audiences, an absolute URI; in a form it may be repeated, in JSON a list (RFC 8707 §2)
    #[schema(value_type = Option<Audiences>)]
    pub(in crate::http) resource: Vec<String>,
}

impl TokenRequestForm {
    pub(in crate::http) fn take(params: &mut Params) -> Self {
        Self {
            scope: params.take_words("scope"),
            audience: params.take_all("audience"),
            resource: params.take_all("resource"),
        }
    }

    pub(in crate::http) fn parse(&self) -> Result<TokenRequest> {
        let audiences = match self.audience.as_slice() {
            [] => None,
            [one] => Some(Cow::from(one)),
            several => Some(Cow::from(several.join(" "))),
        };
        TokenRequest::parse(self.scope.as_deref(), audiences.as_deref(), &self.resource)
    }
}
