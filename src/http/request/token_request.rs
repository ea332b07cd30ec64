//! Owns what a client may ask for beside saying who it is: `scope` (RFC 6749 §3.3), `audience`, and `resource`
//! (RFC 8707 §2). Whether the client may have it is not known here.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::TokenRequest;
use crate::app::error::Result;
use crate::http::request::params::Params;

/// What a token is to be for.
#[derive(Serialize, ToSchema)]
#[schema(as = WhatFor)]
pub(in crate::http) struct TokenRequestForm {
    /// Space-separated; none: all that the client may have
    scope: Option<String>,
    /// One of the client's
    audience: Option<String>,
    /// One of the client's audiences, an absolute URI; in a form it may be repeated (RFC 8707 §2)
    resource: Option<OneOrMore>,
}

/// In JSON a text or a list of texts.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "what is written elsewhere, for the document")]
pub(in crate::http) enum OneOrMore {
    One(String),
    Several(Vec<String>),
}

/// Takes them out of the parameters.
pub(in crate::http) fn token_request(params: &mut Params) -> Result<TokenRequest> {
    let (scope, audience) = (params.take("scope"), params.take("audience"));
    let resources = params.take_all("resource");
    TokenRequest::parse(scope.as_deref(), audience.as_deref(), &resources)
}
