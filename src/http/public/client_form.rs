//! What `/introspect` and `/revoke` share: a client that has proved itself, and a token that it asks about.

use axum::http::HeaderMap;
use utoipa::ToSchema;

use crate::app::AuthenticatedClient;
use crate::app::error::{Error, Result};
use crate::http::AppState;
use crate::http::request::caller::Caller;
use crate::http::request::client_authentication::{
    ClientAuthenticationForm, client_authentication,
};
use crate::http::request::params::Params;

/// The body of such a request.
#[derive(ToSchema)]
#[schema(as = TokenAndClient)]
pub(super) struct Form {
    #[schema(value_type = String)]
    pub(super) token: Option<String>,
    /// Changes nothing: there is one type of token
    #[expect(dead_code, reason = "RFC 7009 §2.1: no more than a help in searching")]
    token_type_hint: Option<String>,
    #[serde(flatten)]
    pub(super) client: ClientAuthenticationForm,
}

impl From<Params> for Form {
    fn from(mut params: Params) -> Self {
        Self {
            token: params.take("token"),
            token_type_hint: params.take("token_type_hint"),
            client: ClientAuthenticationForm::take(&mut params),
        }
    }
}

impl Form {
    /// The client that sent a request to `endpoint`, and the token that it asks about. Who it is comes before what it asks
    /// for.
    pub(super) async fn authenticate(
        self,
        app: &AppState,
        caller: Caller,
        headers: &HeaderMap,
        endpoint: &'static str,
    ) -> Result<(AuthenticatedClient, String)> {
        let source = caller.source;
        let presented = client_authentication(headers, self.client, caller, endpoint)?;
        let client = app.authentication.authenticate(&presented, source).await?;
        Ok((client, require_token(self.token)?))
    }
}

pub(super) fn require_token(token: Option<String>) -> Result<String> {
    token.ok_or_else(|| Error::invalid_request("the parameter `token` is missing"))
}
