//! What `/introspect` and `/revoke` share: a client that has proved itself, and a token that it asks about.

use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::AuthenticatedClient;
use crate::app::error::{Error, Result};
use crate::http::AppState;
use crate::http::request::caller::Caller;
use crate::http::request::client_authentication::{
    ClientAuthenticationForm, client_authentication,
};
use crate::http::request::params::Params;

/// What such a request has in its body.
#[derive(Serialize, ToSchema)]
#[schema(as = AboutToken)]
pub(super) struct Form {
    token: String,
    /// Changes nothing: there is one type of token
    token_type_hint: Option<String>,
    #[serde(flatten)]
    client: ClientAuthenticationForm,
}

/// The client that sent a request to `endpoint`. Who it is comes before what it asks for.
pub(super) async fn authenticate(
    app: &AppState,
    caller: Caller,
    headers: &HeaderMap,
    params: &mut Params,
    endpoint: &'static str,
) -> Result<AuthenticatedClient> {
    let source = caller.source;
    let presented = client_authentication(headers, params, caller, endpoint)?;
    app.authentication.authenticate(&presented, source).await
}

/// The `token` of a request about one.
pub(super) fn take_token(params: &mut Params) -> Result<String> {
    params
        .take("token")
        .ok_or_else(|| Error::invalid_request("the parameter `token` is missing"))
}
