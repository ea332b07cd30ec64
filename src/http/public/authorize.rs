//! `POST /authorize`: credentials in, token out.

use axum::extract::{Request, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::Error;
use crate::base::json::writer::JsonObject;
use crate::domain::{ClientId, Scope};
use crate::http::AppState;
use crate::http::openapi::AuthorizeErrors;
use crate::http::public::issue::TokenEndpoint;
use crate::http::request::client_authentication::{
    ClientAuthenticationForm, find_client_authentication,
};
use crate::http::request::params::Params;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::request::token_request::TokenRequestForm;
use crate::http::response::error::respond_simply;
use crate::http::response::{ROOM_BESIDE_JWT, WithLogContext};
use crate::jwt::AccessToken;

/// The credentials, and the requested scope and audience.
#[derive(ToSchema)]
#[schema(as = SimpleTokenRequest)]
struct Form {
    #[serde(flatten)]
    request: TokenRequestForm,
    #[serde(flatten)]
    client: ClientAuthenticationForm,
}

impl From<Params> for Form {
    fn from(mut params: Params) -> Self {
        Self {
            request: TokenRequestForm::take(&mut params),
            client: ClientAuthenticationForm::take(&mut params),
        }
    }
}

/// A token.
#[derive(Serialize, ToSchema)]
#[schema(as = SimpleToken)]
struct Answer<'a> {
    success: bool,
    #[schema(value_type = String)]
    client_id: &'a ClientId,
    /// `Bearer`, or `DPoP` for a token bound to the key of a proof
    token_type: &'a str,
    /// Seconds
    expires_in: i64,
    /// The granted scopes, space-separated
    #[schema(value_type = String)]
    scope: &'a Scope,
    /// The access token, a JWT (RFC 9068)
    token: &'a str,
}

impl<'a> Answer<'a> {
    fn of(token: &'a AccessToken<'_>) -> Self {
        Self {
            success: true,
            client_id: token.client_id,
            token_type: token.token_type,
            expires_in: token.expires_in,
            scope: &token.scope,
            token: &token.jwt,
        }
    }

    /// As serde writes it, in less time.
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = JsonObject::with_capacity(ROOM_BESIDE_JWT + self.token.len());
        json.member("success", &self.success)?;
        json.text("client_id", self.client_id.as_str())?;
        json.text("token_type", self.token_type)?;
        json.member("expires_in", &self.expires_in)?;
        json.text("scope", self.scope.as_str())?;
        json.plain("token", self.token);
        Ok(json.end())
    }
}

/// Issues a token to a client, by the simple contract.
#[utoipa::path(post, path = "", tag = "Clients",
    request_body(content(
        (Form = "application/x-www-form-urlencoded"),
        (Form = "application/json"),
    )),
    params(ProofHeader),
    responses(
        (status = 200, description = "a token", body = Answer, headers(
            ("dpop-nonce"),
            ("ratelimit"),
            ("ratelimit-policy"))),
        AuthorizeErrors,
    ),
    security(("client_secret_basic" = []), ("tls_client_auth" = []), ("self_signed_tls_client_auth" = []), ()),
)]
pub(in crate::http) fn authorize_client(
    State(app): State<AppState>,
    request: Request,
) -> impl Future<Output = WithLogContext> + Send {
    ENDPOINT.answer(app, request)
}

static ENDPOINT: TokenEndpoint = TokenEndpoint {
    read: |headers, params, caller| {
        let form = Form::from(params);
        let is_half = form.client.client_id().is_some();
        let client = find_client_authentication(headers, form.client, caller, "/authorize")?;
        let client = client.ok_or_else(|| without_credentials(is_half))?;
        Ok((client, form.request.parse()?.into()))
    },
    write_token: |token| Answer::of(token).to_json(),
    write_error: respond_simply,
};

/// Half of a pair is a mistake of the caller. Without any, the answer asks for HTTP Basic: there are clients that send it only
/// when they are asked to (RFC 9110 §11.6.1).
fn without_credentials(is_half: bool) -> Error {
    if is_half {
        Error::invalid_request(
            "the request has a client_id, but no client_secret: send both, in the body or as HTTP Basic",
        )
    } else {
        Error::invalid_authentication(
            "the request has no credentials: send client_id and client_secret, in the body or as HTTP Basic",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_answered_as_serde_writes_it() {
        let answer = Answer {
            success: true,
            client_id: &ClientId::parse("a.b~c").unwrap(),
            token_type: "Bearer",
            expires_in: 3600,
            scope: &Scope::parse("read write").unwrap(),
            token: "a-b_c.d.e",
        };
        assert_eq!(
            answer.to_json().unwrap(),
            serde_json::to_vec(&answer).unwrap()
        );
    }
}
